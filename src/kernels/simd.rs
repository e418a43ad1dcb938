//! Loops that the compiler turns into vector instructions, the same result on every instruction
//! set: no fused multiply–add, and sums in sixteen fixed lanes.

/// Lanes of a sum. Fixed, so that the order of additions does not depend on the machine.
const LANES: usize = 16;

/// Runs `body` compiled for the widest vector instructions this machine has. What `body` calls
/// must be `#[inline(always)]` to be compiled along with it.
#[inline(always)]
pub(crate) fn vectorized<R>(body: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(body)
}

/// Σ f(aᵢ) in sixteen lanes.
#[inline(always)]
pub(crate) fn sum_of(a: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let mut runs = a.chunks_exact(LANES);
    for run in &mut runs {
        for lane in 0..LANES {
            lanes[lane] += f(run[lane]);
        }
    }
    for (lane, &a) in lanes.iter_mut().zip(runs.remainder()) {
        *lane += f(a);
    }
    fold(lanes)
}

/// Σ f(aᵢ, bᵢ) in sixteen lanes, over as many as both have.
#[inline(always)]
pub(crate) fn sum_of_pairs(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let n = a.len().min(b.len());
    let mut lanes = [0.0f32; LANES];
    let (mut runs_a, mut runs_b) = (a[..n].chunks_exact(LANES), b[..n].chunks_exact(LANES));
    for (a, b) in (&mut runs_a).zip(&mut runs_b) {
        for lane in 0..LANES {
            lanes[lane] += f(a[lane], b[lane]);
        }
    }
    let rest = runs_a.remainder().iter().zip(runs_b.remainder());
    for (lane, (&a, &b)) in lanes.iter_mut().zip(rest) {
        *lane += f(a, b);
    }
    fold(lanes)
}

/// Adds the lanes up by halves.
#[inline(always)]
fn fold(mut lanes: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// Σ aᵢ·bᵢ.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    sum_of_pairs(a, b, |a, b| a * b)
}

/// The largest value; −∞ of nothing.
#[inline(always)]
pub(crate) fn max(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let mut chunks = values.chunks_exact(LANES);
    for chunk in &mut chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = if value > *lane { value } else { *lane };
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(chunks.remainder()) {
        *lane = if value > *lane { value } else { *lane };
    }
    lanes.iter().fold(
        f32::NEG_INFINITY,
        |best, &lane| if lane > best { lane } else { best },
    )
}

/// eˣ to within 2 units in the last place; 0 below −87.3, +∞ above 88.7, NaN stays NaN.
///
/// Range reduction by ln 2 in two parts and a polynomial of degree 6 (the coefficients of Cephes'
/// `expf`, S. L. Moshier, <https://www.netlib.org/cephes/>).
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0; // 1.5·2²³: adding and subtracting it rounds to an integer
    // `clamp` keeps NaN.
    let clamped = x.clamp(-87.336_54, 88.722_83);
    let n = (clamped * std::f32::consts::LOG2_E + ROUND) - ROUND;
    let r = (clamped - n * 0.693_359_4) - n * -2.121_944_4e-4;
    let mut p = 1.987_569_1e-4;
    p = p * r + 1.398_199_9e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 5.000_000_3e-1;
    let e = p * (r * r) + r + 1.0;
    // 2ⁿ in two factors, since n may be 128.
    let half = (n as i32) >> 1;
    let rest = (n as i32) - half;
    let scale = |k: i32| f32::from_bits(((k + 127) as u32) << 23);
    let y = e * scale(half) * scale(rest);
    if x < -87.336_54 {
        0.0
    } else if x > 88.722_83 {
        f32::INFINITY
    } else {
        y
    }
}

/// ln x for positive normal x, to within 2 units in the last place (Cephes' `logf`).
#[inline(always)]
pub(crate) fn ln(x: f32) -> f32 {
    let bits = x.to_bits();
    // Mantissa in [√½, √2), exponent to match.
    let shifted = bits.wrapping_sub(0x3f35_04f3);
    let exponent = (shifted as i32) >> 23;
    let mantissa = f32::from_bits((shifted & 0x007f_ffff).wrapping_add(0x3f35_04f3));
    let e = exponent as f32;
    let r = mantissa - 1.0;
    let z = r * r;
    let mut p = 7.037_683_6e-2;
    p = p * r - 1.151_461e-1;
    p = p * r + 1.167_699_9e-1;
    p = p * r - 1.242_014_1e-1;
    p = p * r + 1.424_932_3e-1;
    p = p * r - 1.666_805_8e-1;
    p = p * r + 2.000_071_5e-1;
    p = p * r - 2.499_999_4e-1;
    p = p * r + 3.333_333e-1;
    let y = r * z * p - 2.121_944_4e-4 * e;
    (r + (y - 0.5 * z)) + e * 0.693_359_4
}

/// 1/(1+e⁻ˣ).
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// `a ← a + scale·b`.
#[inline(always)]
pub(crate) fn add_scaled(a: &mut [f32], scale: f32, b: &[f32]) {
    for (a, &b) in a.iter_mut().zip(b) {
        *a += scale * b;
    }
}
