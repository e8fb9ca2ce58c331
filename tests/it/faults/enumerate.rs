//! Every call of every journey, broken in every way (faults.md, G07 to G09): the journey comes to the same.

use std::collections::BTreeMap;

use super::installation::{Breaks, Installation, Snapshot, Strike};
use super::invariants::{Outcome, outcome};
use super::journeys::{JOURNEYS, Journey};
use super::side_by_side;
use crate::phone::Phone;
use crate::standin::Fault;

/// The ways to break a call. Whoever is killed before a call was killed after the one before it, which is a case of its
/// own: so that is done for first calls alone.
const FAULTS: [Fault; 5] =
    [Fault::Throttled, Fault::Failing, Fault::AnswerLost, Fault::KilledAfter, Fault::KilledBefore];
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
        let ends = place.ends.unwrap_or(place.invocations.len());
        let invocations = place.invocations.iter().enumerate().take(ends).skip(place.begins);
        let calls = invocations.flat_map(|(invocation, (_, calls))| (0..*calls).map(move |call| (invocation, call)));
        let cases = calls.flat_map(|(invocation, call)| FAULTS.map(|fault| Strike { invocation, call, fault }));
        let cases = cases.filter(|strike| strike.fault != Fault::KilledBefore || strike.call == 0);
        Self { journey, before, good, cases: cases.collect() }
    }

    /// Makes the journey with a fault, from the step in which it strikes.
    fn make(&self, place: &mut Installation, strike: Strike) {
        let from = self.before.iter().rposition(|(invocations, _)| *invocations <= strike.invocation).unwrap();
        place.restore(&self.before[from].1, Breaks::Once(strike));
        self.journey.steps[from..].iter().for_each(|step| step(place));
        outcome(place).assert_is(&self.good);
        assert_eq!(place.struck(), 1, "the call was never made");
    }
}

#[test]
fn d03_d04_d10_f23_g04_g07_g08_g09_whichever_call_breaks_in_whatever_way_every_journey_comes_to_the_same() {
    let phone = Phone::start();
    let surveys: Vec<Survey> = JOURNEYS.iter().map(|journey| Survey::of(journey, &phone)).collect();
    let all = surveys.iter().enumerate();
    let all = all.flat_map(|(place, survey)| survey.cases.iter().map(move |strike| (place, survey, *strike)));
    // One case alone, by what a failure says of it.
    let only = std::env::var("FAULT_CASE").unwrap_or_default();
    let all = all.filter(|(_, survey, strike)| format!("{}: {strike:?}", survey.journey.name).contains(&only));
    let cases: Vec<(&str, (usize, Strike))> =
        all.map(|(place, survey, strike)| (survey.journey.name, (place, strike))).collect();
    let mut counts = BTreeMap::<_, usize>::new();
    for (journey, (_, strike)) in &cases {
        *counts.entry((*journey, format!("{:?}", strike.fault))).or_default() += 1;
    }
    let failed = side_by_side(&phone, cases, |place, (survey, strike)| surveys[*survey].make(place, *strike));
    for ((journey, fault), count) in &counts {
        eprintln!("{journey}, {fault}: {count} cases");
    }
    eprintln!("{} cases, {} of them failed", counts.values().sum::<usize>(), failed.len());
    assert!(failed.is_empty(), "{failed:#?}");
}
