//! Whole journeys through the real binaries, with every call that they make broken in turn (faults.md, groups D to G).

mod clock;
mod enumerate;
mod installation;
mod invariants;
mod journeys;
mod machine;
