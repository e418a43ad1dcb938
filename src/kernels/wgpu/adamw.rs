//! AdamW over a list of parameters with the kernel `adamw`, two in a launch.

use burn::tensor::Tensor;

use super::{GpuTensor, Launch, Shader, dims, empty, in_place, plain_tensor, shader, tensor};
use crate::kernels::adamw::{AdamWStep, Constants};

static ADAMW: Shader = shader!("adamw");

/// One parameter, its gradient and its moments.
type Four = [GpuTensor; 4];

/// See [`crate::kernels::adamw_all`].
pub(crate) fn adamw_all(jobs: Vec<([Tensor<1>; 4], AdamWStep)>) -> Vec<[Tensor<1>; 3]> {
    let jobs: Vec<(Four, Constants)> = jobs
        .into_iter()
        .map(|([parameter, grad, moment1, moment2], step)| {
            let [parameter, moment1, moment2] =
                [parameter, moment1, moment2].map(|x| in_place(tensor(x)));
            let four = [parameter, tensor(grad), moment1, moment2];
            (four, Constants::new(&step))
        })
        .collect();
    for pair in jobs.chunks(2) {
        launch(&pair[0], pair.get(1));
    }
    let changed = |(four, _): (Four, Constants)| {
        let [parameter, _, moment1, moment2] = four;
        [parameter, moment1, moment2].map(plain_tensor)
    };
    jobs.into_iter().map(changed).collect()
}

fn launch((first, c): &(Four, Constants), second: Option<&(Four, Constants)>) {
    let size = |four: &Four| dims(&four[0])[0];
    let bind = |launch: Launch, [parameter, grad, moment1, moment2]: &Four| {
        launch
            .changed(parameter)
            .input(grad)
            .changed(moment1)
            .changed(moment2)
    };
    let launch = bind(Launch::new(&ADAMW), first);
    let launch = match second {
        Some((four, _)) => bind(launch, four),
        // Every binding takes a tensor of its own.
        None => bind(launch, &[0; 4].map(|_| empty(&first[0], &[1]))),
    };
    let n = [size(first), second.map_or(0, |(four, _)| size(four))];
    let workgroups = n.map(|n| n.div_ceil(256));
    launch
        .number(n[0])
        .number(n[1])
        .number(workgroups[0])
        .real(c.decay)
        .real(second.map_or(1.0, |(_, c)| c.decay))
        .real(c.grad_scale)
        .real(c.beta1)
        .real(c.beta2)
        .real(c.rate)
        .real(c.root)
        .real(c.epsilon)
        .dispatch(workgroups.iter().sum());
}
