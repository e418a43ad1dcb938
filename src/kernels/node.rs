//! How a fused operation enters burn's autodiff: one node type for all operations of all backends.
//!
//! An operation is a type that implements [`FusedOp`] for the backends it has a version for;
//! [`apply`] runs it on plain and on differentiable tensors alike.

use std::fmt::Debug;
use std::marker::PhantomData;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, DispatchKindConversion, DispatchTensor};
use burn::tensor::Tensor;

/// A backend with fused operations.
pub(crate) trait Fused: Backend {
    /// The same values laid out in order.
    fn contiguous(tensor: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// A fused operation on `N` float tensors of a backend, with a hand-written gradient.
pub(crate) trait FusedOp<B: Fused, const N: usize>:
    Clone + Debug + Send + Sync + 'static
{
    /// What the backward pass needs.
    type Saved: Clone + Debug + Send + 'static;

    /// Computes the output. Inputs are contiguous.
    fn forward(&self, inputs: [FloatTensor<B>; N]) -> (FloatTensor<B>, Self::Saved);

    /// The gradient of each input for which `needed` is set. `grad` is contiguous.
    fn backward(
        &self,
        saved: Self::Saved,
        grad: FloatTensor<B>,
        needed: [bool; N],
    ) -> [Option<FloatTensor<B>>; N];
}

/// An input of an operation, differentiable or not.
pub(crate) enum Input<B: Fused> {
    Plain(FloatTensor<B>),
    Tracked(FloatTensor<Autodiff<B>>),
}

impl<B: Fused> Input<B>
where
    DispatchTensor: DispatchKindConversion<B> + DispatchKindConversion<Autodiff<B>>,
{
    /// The caller has made sure that the tensor is on a device of `B`.
    pub(crate) fn new<const D: usize>(tensor: Tensor<D>) -> Self {
        let known = "the caller checked the tensor's device";
        if tensor.is_autodiff() {
            Self::Tracked(tensor.try_into_primitive::<Autodiff<B>>().expect(known))
        } else {
            Self::Plain(tensor.try_into_primitive::<B>().expect(known))
        }
    }
}

/// The one node type in the autodiff graph for all fused operations.
#[derive(Debug)]
struct Node<Op>(PhantomData<Op>);

impl<B: Fused, Op: FusedOp<B, N>, const N: usize> Backward<B, N> for Node<Op> {
    type State = (Op, Op::Saved);

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = B::contiguous(grads.consume::<B>(&ops.node));
        let needed = ops.parents.each_ref().map(Option::is_some);
        let (op, saved) = ops.state;
        let input_grads = op.backward(saved, grad, needed);
        for (parent, grad) in ops.parents.into_iter().zip(input_grads) {
            if let (Some(parent), Some(grad)) = (parent, grad) {
                grads.register::<B>(parent.id, grad);
            }
        }
    }
}

/// Runs an operation; where an input is differentiable the output is too.
pub(crate) fn apply<B: Fused, Op: FusedOp<B, N>, const N: usize, const D: usize>(
    op: Op,
    inputs: [Input<B>; N],
) -> Tensor<D>
where
    DispatchTensor: DispatchKindConversion<B> + DispatchKindConversion<Autodiff<B>>,
{
    if inputs.iter().all(|input| matches!(input, Input::Plain(_))) {
        let plain = inputs.map(|input| match input {
            Input::Plain(tensor) => B::contiguous(tensor),
            Input::Tracked(tensor) => B::contiguous(tensor.into_primitive()),
        });
        return Tensor::from_primitive::<B>(op.forward(plain).0);
    }
    let tracked = inputs.map(|input| match input {
        Input::Plain(tensor) => FloatTensor::<Autodiff<B>>::new(tensor),
        Input::Tracked(tensor) => tensor,
    });
    let guards = tracked.each_ref().map(|tensor| tensor.node());
    let plain = tracked.map(|tensor| B::contiguous(tensor.into_primitive()));
    let output = match Node::<Op>(PhantomData)
        .prepare::<NoCheckpointing>(guards)
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => {
            let (output, saved) = op.forward(plain);
            prep.finish((op, saved), output)
        }
        OpsKind::UnTracked(prep) => prep.finish(op.forward(plain).0),
    };
    Tensor::from_primitive::<Autodiff<B>>(output)
}
