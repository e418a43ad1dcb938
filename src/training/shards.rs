//! Data-parallel parts of a batch.
//!
//! On the CPU each shard works in its own thread with its own pool of one, so that a model's small
//! operations are never split among threads; elsewhere (and in a browser) shards run one after the
//! other on the device. How many there are comes from the configuration, and results are put
//! together in the shards' order: the numbers do not depend on the machine's cores.

use burn::tensor::Device;

/// Where shards run.
pub struct Shards {
    count: usize,
    #[cfg(not(target_family = "wasm"))]
    pools: Vec<rayon::ThreadPool>,
}

impl Shards {
    /// `count` shards for work on `device`.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub fn new(count: usize, device: &Device) -> Result<Self, std::io::Error> {
        // A card works off a batch in one piece; parts of it would only be more kernels to start.
        let on_cpu = crate::devices::is_cpu(device);
        let count = if on_cpu { count.max(1) } else { 1 };
        #[cfg(not(target_family = "wasm"))]
        {
            let pool = |index| {
                rayon::ThreadPoolBuilder::new()
                    .num_threads(1)
                    .thread_name(move |_| format!("shard-{index}"))
                    .build()
                    .map_err(std::io::Error::other)
            };
            let pools = (0..if on_cpu { count } else { 0 })
                .map(pool)
                .collect::<Result<_, _>>()?;
            Ok(Self { count, pools })
        }
        #[cfg(target_family = "wasm")]
        {
            Ok(Self { count })
        }
    }

    /// How many parts a batch is split into.
    pub fn count(&self) -> usize {
        self.count
    }

    /// How many of the parts are worked on at the same time.
    pub fn at_once(&self) -> usize {
        #[cfg(not(target_family = "wasm"))]
        return self.pools.len().max(1);
        #[cfg(target_family = "wasm")]
        1
    }

    /// Runs `work` on every job and returns the results in order.
    pub async fn run<J, T>(&self, jobs: Vec<J>, work: impl AsyncFn(J) -> T + Sync) -> Vec<T>
    where
        J: Send,
        T: Send,
    {
        #[cfg(not(target_family = "wasm"))]
        if !self.pools.is_empty() {
            return self.run_in_pools(jobs, work);
        }
        let mut results = Vec::with_capacity(jobs.len());
        for job in jobs {
            // A browser's messages are heard between shards.
            crate::clock::breathe().await;
            results.push(work(job).await);
        }
        results
    }

    #[cfg(not(target_family = "wasm"))]
    fn run_in_pools<J, T>(&self, jobs: Vec<J>, work: impl AsyncFn(J) -> T + Sync) -> Vec<T>
    where
        J: Send,
        T: Send,
    {
        let work = &work;
        let mut results: Vec<Option<T>> = Vec::new();
        results.resize_with(jobs.len(), || None);
        let mut lanes: Vec<Vec<(J, &mut Option<T>)>> =
            self.pools.iter().map(|_| Vec::new()).collect();
        for (index, slot) in jobs.into_iter().zip(&mut results).enumerate() {
            let lane = index % lanes.len();
            lanes[lane].push(slot);
        }
        std::thread::scope(|scope| {
            for (pool, lane) in self.pools.iter().zip(lanes) {
                if lane.is_empty() {
                    continue;
                }
                scope.spawn(move || {
                    pool.install(move || {
                        for (job, slot) in lane {
                            // A shard's futures are ready at once: nothing on the CPU is awaited.
                            *slot = Some(pollster::block_on(work(job)));
                        }
                    });
                });
            }
        });
        results
            .into_iter()
            .map(|slot| slot.expect("every lane worked off its jobs"))
            .collect()
    }
}
