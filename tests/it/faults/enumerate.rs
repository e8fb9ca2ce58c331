//! Every call of every journey, broken in every way (faults.md, G07 to G09): the journey comes to the same.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use super::installation::{Installation, Snapshot, Strike};
use super::invariants::{Outcome, outcome};
use super::journeys::{JOURNEYS, Journey};
use crate::phone::Phone;
use crate::standin::Fault;

/// The ways to break a call. Whoever is killed before a call was killed after the one before it, which is a case of its
/// own: so that is done for first calls alone.
const FAULTS: [Fault; 5] =
    [Fault::Throttled, Fault::Failing, Fault::AnswerLost, Fault::KilledAfter, Fault::KilledBefore];
/// How many cases run side by side: many of them wait for a client's next try.
const SIDE_BY_SIDE: usize = 16;

/// A journey on which nothing broke.
struct Survey {
    journey: &'static Journey,
    /// How everything stood before each step, and after how many invocations.
    before: Vec<(usize, Snapshot)>,
    good: Outcome,
    /// Every call of each invocation, as a function makes them that has just started, broken in every way.
    cases: Vec<Strike>,
}

impl Survey {
    fn of(journey: &'static Journey, phone: &Phone) -> Self {
        let mut place = Installation::furnished(phone, &(journey.policy)(&phone.address.to_string()));
        place.stay_cold();
        let mut before = Vec::new();
        for step in journey.steps {
            before.push((place.invocations.len(), place.snapshot()));
            step(&mut place);
        }
        let good = outcome(&place);
        assert_eq!(good.pages(), journey.pages, "{}: {good:?}", journey.name);
        let invocations = place.invocations.iter().enumerate().skip(place.begins);
        let calls = invocations.flat_map(|(invocation, (_, calls))| (0..*calls).map(move |call| (invocation, call)));
        let cases = calls.flat_map(|(invocation, call)| FAULTS.map(|fault| Strike { invocation, call, fault }));
        let cases = cases.filter(|strike| strike.fault != Fault::KilledBefore || strike.call == 0);
        Self { journey, before, good, cases: cases.collect() }
    }

    /// Makes the journey with a fault, from the step in which it strikes.
    fn make(&self, place: &mut Installation, strike: Strike) {
        let from = self.before.iter().rposition(|(invocations, _)| *invocations <= strike.invocation).unwrap();
        place.restore(&self.before[from].1, Some(strike));
        self.journey.steps[from..].iter().for_each(|step| step(place));
        outcome(place).assert_is(&self.good);
        assert!(place.was_struck(), "the call was never made");
    }
}

#[test]
fn g07_g08_g09_whichever_call_breaks_in_whatever_way_every_journey_comes_to_the_same() {
    let phone = Phone::start();
    let surveys: Vec<Survey> = JOURNEYS.iter().map(|journey| Survey::of(journey, &phone)).collect();
    let all = surveys.iter().flat_map(|survey| survey.cases.iter().map(move |strike| (survey, *strike)));
    // One case alone, by what a failure says of it.
    let only = std::env::var("FAULT_CASE").unwrap_or_default();
    let all = all.filter(|(survey, strike)| format!("{}: {strike:?}", survey.journey.name).contains(&only));
    let cases = Mutex::new(all.collect::<Vec<_>>().into_iter());
    let (failed, counts) = (Mutex::new(Vec::new()), Mutex::new(BTreeMap::<_, usize>::new()));
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                let mut place = Installation::new(&phone);
                let mut last = "";
                loop {
                    let Some((survey, strike)) = cases.lock().unwrap().next() else { return };
                    let name = survey.journey.name;
                    if name != last {
                        // Another policy rules.
                        place.cool();
                        last = name;
                    }
                    *counts.lock().unwrap().entry((name, format!("{:?}", strike.fault))).or_default() += 1;
                    if catch_unwind(AssertUnwindSafe(|| survey.make(&mut place, strike))).is_err() {
                        failed.lock().unwrap().push(format!("{name}: {strike:?}"));
                        place = Installation::new(&phone);
                    }
                }
            });
        }
    });
    let counts = counts.into_inner().unwrap();
    for ((journey, fault), count) in &counts {
        eprintln!("{journey}, {fault}: {count} cases");
    }
    let failed = failed.into_inner().unwrap();
    eprintln!("{} cases, {} of them failed", counts.values().sum::<usize>(), failed.len());
    assert!(failed.is_empty(), "{failed:#?}");
}
