use burn::tensor::*;
use sasr::config::*;
use sasr::model::*;
use sasr::rollout::*;
use std::time::Instant;
fn main() {
    let device = Device::flex();
    let cfg = ModelConfig {
        hidden_size: 128,
        num_hidden_layers: 4,
        num_attention_heads: 4,
        max_position_embeddings: 512,
        ..Default::default()
    };
    let spec = DecoderSpec::from_config(&cfg, 99);
    let p = Parameters::random(&spec, 0.05, 0, &device);
    println!("params {}", p.count());
    let model = Model::new(spec, p, &device);
    let threads = 2;
    let pools: Vec<_> = (0..threads)
        .map(|_| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(1)
                .build()
                .unwrap()
        })
        .collect();
    let par = |f: &(dyn Fn(usize) + Sync)| {
        std::thread::scope(|s| {
            for i in 0..threads {
                let pool = &pools[i];
                s.spawn(move || pool.install(|| f(i)));
            }
        })
    };
    let sft = |_i: usize| {
        let d = model.tracked();
        let ids: Vec<u32> = (0..16 * 64).map(|i| (3 + (i * 7919) % 87) as u32).collect();
        let h = d.hidden(&ids, 16, 64);
        let rows: Vec<usize> = (0..16)
            .flat_map(|r| (0..63).map(move |t| r * 64 + t))
            .collect();
        let targets: Vec<usize> = rows.iter().map(|&r| ids[r + 1] as usize).collect();
        let lp = d.token_logprobs(h, &rows, &targets, 1.0);
        let loss = lp.narrow(1, 0, 1).sum().div_scalar(-1008.0);
        let mut g = loss.backward();
        let gs = d.gradients(&mut g);
        std::hint::black_box(gs);
    };
    for _ in 0..3 {
        par(&sft);
    }
    let t = Instant::now();
    let n = 20;
    for _ in 0..n {
        par(&sft);
    }
    let e = t.elapsed().as_secs_f64() / n as f64;
    println!("sft fwd+bwd {:.1} ms  {:.0} tok/s", e * 1e3, 2048.0 / e);
    let gen_ = |i: usize| {
        let d = model.decoder();
        let reqs: Vec<Request> = (0..8)
            .map(|p| Request {
                problem: (i * 8 + p) as u64,
                prompt: (0..16)
                    .map(|t| (3 + (p * 31 + t * 17) % 80) as u32)
                    .collect(),
                samples: 8,
            })
            .collect();
        let l = Limits {
            max_completion_length: 32,
            stops: vec![],
            pad: 0,
        };
        std::hint::black_box(
            pollster::block_on(generate(&d, &reqs, &Sampling::at(1.0, 1), &l)).unwrap(),
        );
    };
    par(&gen_);
    let t = Instant::now();
    for _ in 0..n {
        par(&gen_);
    }
    let e = t.elapsed().as_secs_f64() / n as f64;
    println!("decode {:.1} ms  {:.0} tok/s", e * 1e3, 128.0 * 32.0 / e);
}
