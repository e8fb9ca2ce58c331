//! Whole journeys through the real binaries, with every call that they make broken in turn (faults.md, groups D to G).

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use installation::Installation;

use crate::phone::Phone;

mod catalogue;
pub mod clock;
mod contracts;
mod enumerate;
mod installation;
mod invariants;
mod journeys;
mod machine;
mod outage;
mod restored;
mod rotation;
mod soak;
mod wire;

/// How many cases run at a time: many of them wait for a client's next try.
const AT_A_TIME: usize = 16;

/// Runs every case, each of a journey that is named; the cases that failed.
fn side_by_side<T: Debug + Send>(
    phone: &Phone,
    cases: Vec<(&str, T)>,
    run: impl Fn(&mut Installation, &T) + Sync,
) -> Vec<String> {
    let (cases, failed) = (Mutex::new(cases.into_iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                let mut place = Installation::new(phone);
                let mut last = "";
                loop {
                    let Some((journey, case)) = cases.lock().unwrap().next() else { return };
                    if journey != last {
                        // Another policy rules.
                        place.cool();
                        last = journey;
                    }
                    if catch_unwind(AssertUnwindSafe(|| run(&mut place, &case))).is_err() {
                        failed.lock().unwrap().push(format!("{journey}: {case:?}"));
                        place = Installation::new(phone);
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap()
}
