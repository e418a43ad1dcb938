//! stub
use super::{Library, Found, Errand};
struct H;
impl Library for H { fn send(&mut self, _: Errand) {} fn receive(&mut self) -> Option<Found> { None } }
pub fn spawn(_: std::path::PathBuf, _: eframe::egui::Context) -> std::io::Result<Box<dyn Library>> { Ok(Box::new(H)) }
