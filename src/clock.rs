//! Seconds that pass, on a desktop and in a browser alike, and giving way to others meanwhile.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;

/// Measures from its making.
#[derive(Clone, Copy, Debug)]
pub struct Clock(web_time::Instant);

impl Clock {
    /// Starts now.
    pub fn start() -> Self {
        Self(web_time::Instant::now())
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

/// Gives way to whatever else waits, for a moment.
pub type GiveWay = dyn Fn() -> Pin<Box<dyn Future<Output = ()>>>;

/// How a thread gives way, and how often.
struct Breath {
    seconds: f64,
    last: Clock,
    give_way: Rc<GiveWay>,
}

thread_local! {
    static BREATH: RefCell<Option<Breath>> = const { RefCell::new(None) };
}

/// Says how [`breathe`] gives way on this thread: at most every so many `seconds`. A browser hands in
/// a promise that a timer keeps, so that messages are heard between two tokens; nobody else needs it.
pub fn breathe_by(seconds: f64, give_way: Rc<GiveWay>) {
    let last = Clock::start();
    BREATH.set(Some(Breath {
        seconds,
        last,
        give_way,
    }));
}

/// Lets others have their turn, where this thread was told how and it is time. Long work that is
/// `async` calls it between its pieces; everywhere else it is ready at once.
pub async fn breathe() {
    let due = BREATH.with_borrow_mut(|breath| {
        let breath = breath.as_mut()?;
        if breath.last.seconds() < breath.seconds {
            return None;
        }
        Some(breath.give_way.clone())
    });
    if let Some(give_way) = due {
        give_way().await;
        BREATH.with_borrow_mut(|breath| {
            if let Some(breath) = breath {
                breath.last = Clock::start();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_thread_gives_way_as_often_as_it_was_told() {
        let count = Rc::new(Cell::new(0));
        pollster::block_on(breathe());
        let counter = count.clone();
        let give_way = move || -> Pin<Box<dyn Future<Output = ()>>> {
            counter.set(counter.get() + 1);
            Box::pin(std::future::ready(()))
        };
        breathe_by(0.0, Rc::new(give_way.clone()));
        (0..3).for_each(|_| pollster::block_on(breathe()));
        assert_eq!(count.get(), 3);
        breathe_by(3600.0, Rc::new(give_way));
        (0..3).for_each(|_| pollster::block_on(breathe()));
        assert_eq!(count.get(), 3);
    }
}
