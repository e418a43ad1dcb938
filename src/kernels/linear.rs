//! y = x·Wᵀ (+ b), with W as Hugging Face stores it: [out, in].

use burn::backend::Flex;
use burn::tensor::Tensor;

use super::cpu::{self, CpuTensor, View, from_vec, matmul, values};
use super::family::Family;
use super::node::{FusedOp, Input};
use super::simd::{add_scaled, vectorized};
#[cfg(feature = "gpu")]
use super::wgpu;

/// x: [.., in], weight: [out, in], bias: `[out]` → [.., out].
pub fn linear<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
) -> Tensor<D> {
    match (Family::of(&x.device()), bias) {
        (Family::Cpu, None) => cpu::apply(Linear, [Input::new(x), Input::new(weight)]),
        (Family::Cpu, Some(bias)) => cpu::apply(
            LinearBias,
            [Input::new(x), Input::new(weight), Input::new(bias)],
        ),
        #[cfg(feature = "gpu")]
        (Family::Wgpu, None) => wgpu::apply(Linear, [Input::new(x), Input::new(weight)]),
        #[cfg(feature = "gpu")]
        (Family::Wgpu, Some(bias)) => wgpu::apply(
            LinearBias,
            [Input::new(x), Input::new(weight), Input::new(bias)],
        ),
        (Family::Other, bias) => linear_portable(x, weight, bias),
    }
}

/// The same from burn's operations, for every device.
pub fn linear_portable<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
) -> Tensor<D> {
    let mut shape = x.dims();
    let [width_out, width_in] = weight.dims();
    let rows = shape[..D - 1].iter().product::<usize>();
    let y = x.reshape([rows, width_in]).matmul(weight.transpose());
    shape[D - 1] = width_out;
    let y = y.reshape(shape);
    match bias {
        None => y,
        Some(bias) => y + bias.unsqueeze(),
    }
}

/// A weight laid out for decoding: [in, out]. Products of a few rows then read it as it lies; the
/// other layout has to be rearranged in every product, which costs as much as the product itself.
pub fn transposed(weight: Tensor<2>) -> Tensor<2> {
    let turned = weight.transpose();
    if !cpu::is_cpu(&turned.device()) {
        return turned;
    }
    cpu::plain_tensor(cpu::cpu_tensor(turned).to_contiguous())
}

/// x: [rows, in] times a weight from [`transposed`] (+ bias: `[out]`) → [rows, out]. Not
/// differentiable.
pub fn linear_transposed(x: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    let [rows, width_in] = x.dims();
    let width_out = weight.dims()[1];
    let family = Family::of(&x.device());
    #[cfg(feature = "gpu")]
    if family == Family::Wgpu {
        return wgpu::linear_transposed(x, weight, bias);
    }
    let y = if family == Family::Cpu {
        let [x, weight] = [x, weight].map(|tensor| cpu::contiguous(cpu::cpu_tensor(tensor)));
        let mut y = vec![0.0; rows * width_out];
        let (a, b) = (
            View::rows(values(&x), width_in),
            View::rows(values(&weight), width_out),
        );
        matmul([rows, width_in, width_out], a, b, &mut y, width_out, false);
        cpu::plain_tensor(from_vec(y, &[rows, width_out]))
    } else {
        x.matmul(weight)
    };
    match bias {
        None => y,
        Some(bias) => y + bias.unsqueeze(),
    }
}

/// `onto` + x·Wᵀ, x: [rows, in], weight: [out, in], onto: [rows, out] → [rows, out].
pub fn linear_onto(x: Tensor<2>, weight: Tensor<2>, onto: Tensor<2>) -> Tensor<2> {
    #[cfg(feature = "gpu")]
    if Family::of(&x.device()) == Family::Wgpu {
        let inputs = [Input::new(x), Input::new(weight), Input::new(onto)];
        return wgpu::apply(LinearOnto, inputs);
    }
    onto + linear(x, weight, None)
}

#[derive(Clone, Debug)]
pub(super) struct Linear;

#[derive(Clone, Debug)]
pub(super) struct LinearBias;

#[cfg(feature = "gpu")]
#[derive(Clone, Debug)]
pub(super) struct LinearOnto;

fn product(x: &CpuTensor, weight: &CpuTensor) -> (Vec<f32>, Vec<usize>) {
    let mut shape = dims(x);
    let [width_out, width_in] = [dims(weight)[0], dims(weight)[1]];
    let rows = values(x).len() / width_in;
    let mut y = vec![0.0; rows * width_out];
    let (a, b) = (
        View::rows(values(x), width_in),
        View::rows(values(weight), width_in),
    );
    matmul(
        [rows, width_in, width_out],
        a,
        b.transposed(),
        &mut y,
        width_out,
        false,
    );
    *shape
        .last_mut()
        .expect("a linear layer's input has a width") = width_out;
    (y, shape)
}

/// A tensor's shape as numbers.
pub(super) fn dims(tensor: &CpuTensor) -> Vec<usize> {
    tensor.layout().shape().iter().copied().collect()
}

fn gradients(
    (x, weight): &(CpuTensor, CpuTensor),
    grad: &[f32],
    needed: [bool; 2],
) -> [Option<CpuTensor>; 2] {
    let [width_out, width_in] = [dims(weight)[0], dims(weight)[1]];
    let rows = values(x).len() / width_in;
    let g = View::rows(grad, width_out);
    let dx = needed[0].then(|| {
        let mut dx = vec![0.0; rows * width_in];
        let w = View::rows(values(weight), width_in);
        matmul([rows, width_out, width_in], g, w, &mut dx, width_in, false);
        from_vec(dx, &dims(x))
    });
    let dw = needed[1].then(|| {
        let mut dw = vec![0.0; width_out * width_in];
        let x = View::rows(values(x), width_in);
        matmul(
            [width_out, rows, width_in],
            g.transposed(),
            x,
            &mut dw,
            width_in,
            false,
        );
        from_vec(dw, &[width_out, width_in])
    });
    [dx, dw]
}

impl FusedOp<Flex, 2> for Linear {
    type Saved = (CpuTensor, CpuTensor);

    fn forward(&self, [x, weight]: [CpuTensor; 2]) -> (CpuTensor, Self::Saved) {
        let (y, shape) = product(&x, &weight);
        (from_vec(y, &shape), (x, weight))
    }

    fn backward(
        &self,
        saved: Self::Saved,
        grad: CpuTensor,
        needed: [bool; 2],
    ) -> [Option<CpuTensor>; 2] {
        gradients(&saved, values(&grad), needed)
    }
}

impl FusedOp<Flex, 3> for LinearBias {
    type Saved = (CpuTensor, CpuTensor);

    fn forward(&self, [x, weight, bias]: [CpuTensor; 3]) -> (CpuTensor, Self::Saved) {
        let (mut y, shape) = product(&x, &weight);
        let bias = values(&bias);
        vectorized(|| {
            for row in y.chunks_exact_mut(bias.len()) {
                add_scaled(row, 1.0, bias);
            }
        });
        (from_vec(y, &shape), (x, weight))
    }

    fn backward(
        &self,
        saved: Self::Saved,
        grad: CpuTensor,
        needed: [bool; 3],
    ) -> [Option<CpuTensor>; 3] {
        let grad = values(&grad);
        let width_out = dims(&saved.1)[0];
        let [dx, dw] = gradients(&saved, grad, [needed[0], needed[1]]);
        let db = needed[2].then(|| {
            let mut db = vec![0.0; width_out];
            vectorized(|| {
                for row in grad.chunks_exact(width_out) {
                    add_scaled(&mut db, 1.0, row);
                }
            });
            from_vec(db, &[width_out])
        });
        [dx, dw, db]
    }
}
