//! The timeline: a log told to a person.
