//! The kernels against the portable versions on the CPU, forward and gradient, and the shaders'
//! text against the validator.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};

mod attention;
mod elements;
mod linear;
mod logprob;
mod norm;
mod optimizer;
mod policy;
mod text;

/// The graphics device of the tests, for one test at a time; `None`, said why, where there is no
/// adapter. With `SASR_REQUIRE_GPU=1` in the environment that is a failure.
pub(crate) fn gpu() -> Option<(Device, MutexGuard<'static, ()>)> {
    static DEVICE: OnceLock<Result<Device, String>> = OnceLock::new();
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let device = DEVICE.get_or_init(|| {
        Device::wgpu_options()
            .init()
            .map_err(|error| error.to_string())
    });
    match device {
        Ok(device) => Some((device.clone(), guard)),
        Err(error) => {
            let required = std::env::var("SASR_REQUIRE_GPU").is_ok_and(|value| value == "1");
            assert!(!required, "no graphics adapter: {error}");
            crate::skip::skipped(&format!("no graphics adapter: {error}"));
            None
        }
    }
}

/// Numbers in (−1, 1) · `scale` that differ from call to call by `salt`.
pub(crate) fn noise(n: usize, salt: u32, scale: f32) -> Vec<f32> {
    let unit = |i: u32| crate::rng::mix32(salt, i) as f32 / u32::MAX as f32;
    (0..n as u32)
        .map(|i| (2.0 * unit(i) - 1.0) * scale)
        .collect()
}

/// A differentiable tensor of [`noise`].
fn leaf<const D: usize>(shape: [usize; D], salt: u32, scale: f32, device: &Device) -> Tensor<D> {
    given(shape, noise(shape.iter().product(), salt, scale), device)
}

/// A differentiable tensor of given values.
fn given<const D: usize>(shape: [usize; D], values: Vec<f32>, device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), &device.clone().autodiff()).require_grad()
}

fn ints(values: &[usize], device: &Device) -> Tensor<1, Int> {
    let values: Vec<i64> = values.iter().map(|&v| v as i64).collect();
    let size = values.len();
    Tensor::from_data(TensorData::new(values, [size]), &device.clone().autodiff())
}

pub(crate) fn list<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// Reads an input's gradient.
type GradOf = Box<dyn Fn(&Gradients) -> Vec<f32>>;

fn grad_of<const D: usize>(x: &Tensor<D>) -> GradOf {
    let x = x.clone();
    Box::new(move |grads| list(x.grad(grads).expect("the input was used")))
}

/// Output and the gradients of all inputs under a fixed random weighting of the output.
fn run<const D: usize>(output: Tensor<D>, inputs: Vec<GradOf>) -> Vec<Vec<f32>> {
    let weights = noise(output.dims().iter().product(), 99, 1.0);
    let weights = Tensor::from_data(TensorData::new(weights, output.dims()), &output.device());
    let grads = (output.clone() * weights).sum().backward();
    let mut all = vec![list(output)];
    all.extend(inputs.iter().map(|grad| grad(&grads)));
    all
}

pub(crate) fn assert_close(ours: &[f32], oracle: &[f32], tolerance: f32, what: &str) {
    assert_eq!(ours.len(), oracle.len(), "{what}: sizes differ");
    let scale = oracle.iter().fold(1.0f32, |top, x| top.max(x.abs()));
    for (index, (a, b)) in ours.iter().zip(oracle).enumerate() {
        assert!(
            (a - b).abs() <= tolerance * scale,
            "{what}[{index}]: {a} against {b}"
        );
    }
}

fn compare(ours: &[Vec<f32>], oracle: &[Vec<f32>], tolerance: f32, what: &str) {
    assert_eq!(ours.len(), oracle.len());
    for (index, (ours, oracle)) in ours.iter().zip(oracle).enumerate() {
        let part = if index == 0 {
            format!("{what}, output")
        } else {
            format!("{what}, gradient {index}")
        };
        assert_close(ours, oracle, tolerance, &part);
    }
}
