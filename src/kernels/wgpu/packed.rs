//! Tensors that lie side by side in one buffer, so that one binding reaches them all. Each is still a
//! tensor of its own for everybody else.

use std::ops::Range;

use super::{GpuTensor, Launch, Shader, dims, empty, shader};

static PACK: Shader = shader!("pack");

/// Tensors of one launch.
const TENSORS: usize = 7;

/// Numbers of a block; a tensor begins with one. They are 1024 bytes, which every card takes as the
/// start of a binding.
pub(super) const BLOCK: usize = 256;

/// Where tensors of some sizes lie in a buffer of their own.
pub(super) struct Layout {
    sizes: Vec<usize>,
    /// The block each begins with, and the one after the last.
    begins: Vec<usize>,
}

impl Layout {
    /// One after the other.
    pub(super) fn of(sizes: Vec<usize>) -> Self {
        let next = |end: &mut usize, size: &usize| {
            *end += size.div_ceil(BLOCK);
            Some(*end)
        };
        let ends = sizes.iter().scan(0, next);
        let begins = std::iter::once(0).chain(ends).collect();
        Self { sizes, begins }
    }

    /// The numbers kernels find tensors `slots` by in their part of the buffer, `most` in a launch: the
    /// block each begins with, the one after the last, and their sizes.
    pub(super) fn tell(&self, launch: Launch, slots: Range<usize>, most: usize) -> Launch {
        let end = self.blocks(slots.clone());
        let all = || slots.start..slots.start + most;
        let begin = |slot| match slot < slots.end {
            true => self.begins[slot] - self.begins[slots.start],
            false => end,
        };
        let size = |slot| {
            if slot < slots.end {
                self.sizes[slot]
            } else {
                0
            }
        };
        let launch = all().map(begin).fold(launch, Launch::number).number(end);
        all().map(size).fold(launch, Launch::number)
    }

    /// Blocks that tensors `slots` take; a kernel works on each with a workgroup.
    pub(super) fn blocks(&self, slots: Range<usize>) -> usize {
        self.begins[slots.end] - self.begins[slots.start]
    }

    /// The buffer that `tensors` share in this layout, for whoever wants to change it: theirs if they
    /// do lie in one and nobody else holds it, else a copy. They are given up, so that what is left
    /// of the buffer's holders are others.
    pub(super) fn pack(&self, tensors: Vec<GpuTensor>) -> GpuTensor {
        let Some(whole) = self.whole(&tensors) else {
            return self.copy(&tensors);
        };
        drop(tensors);
        if whole.can_mut() {
            return whole;
        }
        Self::of(dims(&whole)).copy(&[whole])
    }

    /// The tensors in a buffer of this layout.
    pub(super) fn unpack(&self, whole: &GpuTensor) -> Vec<GpuTensor> {
        let places = self.begins.iter().zip(&self.sizes);
        places
            .map(|(&begin, &size)| view(whole, begin, size))
            .collect()
    }

    /// What tensors `slots` take of a buffer of this layout.
    pub(super) fn part(&self, whole: &GpuTensor, slots: Range<usize>) -> GpuTensor {
        view(whole, self.begins[slots.start], self.blocks(slots) * BLOCK)
    }

    fn numbers(&self) -> usize {
        self.begins[self.sizes.len()] * BLOCK
    }

    /// The buffer all tensors lie in, if it has this layout.
    fn whole(&self, tensors: &[GpuTensor]) -> Option<GpuTensor> {
        let first = tensors.first()?;
        let mut handle = first.handle.clone();
        (handle.offset_start, handle.offset_end) = (None, None);
        let whole = GpuTensor::new_contiguous(
            first.client.clone(),
            first.device.clone(),
            [self.numbers()].into(),
            handle,
            first.dtype,
        );
        let place = |tensor: &GpuTensor| {
            let handle = &tensor.handle;
            let memory = handle.clone().binding().memory.id();
            (
                memory,
                handle.size(),
                handle.offset_start,
                handle.offset_end,
            )
        };
        let expected = self.unpack(&whole);
        let same = tensors.iter().map(place).eq(expected.iter().map(place));
        same.then_some(whole)
    }

    fn copy(&self, tensors: &[GpuTensor]) -> GpuTensor {
        let whole = empty(&tensors[0], &[self.numbers()]);
        for start in (0..tensors.len()).step_by(TENSORS) {
            let slots = start..tensors.len().min(start + TENSORS);
            let launch = Launch::new(&PACK)
                .inputs(&tensors[slots.clone()], TENSORS)
                .changed(&self.part(&whole, slots.clone()));
            self.tell(launch, slots.clone(), TENSORS)
                .dispatch(self.blocks(slots));
        }
        whole
    }
}

/// `size` numbers of a buffer from a block on.
fn view(whole: &GpuTensor, begin: usize, size: usize) -> GpuTensor {
    let start = begin * BLOCK;
    let after = dims(whole)[0] - start - size;
    let bytes = |numbers: usize| (numbers * size_of::<f32>()) as u64;
    let handle = whole.handle.clone();
    GpuTensor::new_contiguous(
        whole.client.clone(),
        whole.device.clone(),
        [size].into(),
        handle.offset_start(bytes(start)).offset_end(bytes(after)),
        whole.dtype,
    )
}
