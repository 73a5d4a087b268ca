//! All output, progress and questions. Results go to standard output; what happens meanwhile goes to standard error.

mod events;
mod printer;
mod reader;

pub use events::listen;
pub use printer::{Output, Printer, Table, counted, meanwhile, typed_in};
pub use reader::reader_left;
