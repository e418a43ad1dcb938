//! What "Picture…" saves.

use egui_kittest::kittest::Queryable as _;

use super::*;
use crate::app::library::{Saved, SavedWhat};

/// What "Picture…" saves in a window of a size.
fn picture(view: View, size: [f32; 2]) -> (String, png::OutputInfo, Vec<u8>) {
    let (chosen, compared) = three();
    let cards: Vec<RunCard> = chosen
        .iter()
        .map(|key| card(key, Method::Sasr, 0))
        .collect();
    let records = BTreeMap::new();
    let world = idle(&records, &cards);
    let room = Compare {
        chosen,
        view,
        ..Compare::default()
    };
    let mut harness = egui_kittest::Harness::builder()
        .with_size(size)
        .with_context_setup(theme::apply)
        .build_ui_state(
            |ui, (room, actions): &mut (Compare, Actions)| room.show(ui, &world, actions),
            (room, Actions::default()),
        );
    let (room, actions) = harness.state_mut();
    let (ticket, _) = asked(actions).pop().expect("the runs are asked for");
    room.found(&answer(ticket, &compared));
    harness.run_steps(10);
    harness.get_by_label("Picture…").click();
    harness.run_steps(2);
    let (_, actions) = harness.state_mut();
    let saved = std::mem::take(&mut actions.list)
        .into_iter()
        .find_map(|action| match action {
            Action::Library(Errand::Save(saved)) => Some(saved),
            _ => None,
        });
    let Some(Saved {
        name,
        what: SavedWhat::Bytes(bytes),
    }) = saved
    else {
        panic!("nothing is saved");
    };
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
        .read_info()
        .expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut pixels).expect("pixels");
    (name, info, pixels)
}

#[test]
fn a_picture_shows_all_of_the_view_however_low_the_window_is() {
    for view in [View::Results, View::Robustness, View::Settings] {
        let (name, low, pixels) = picture(view, [1200.0, 260.0]);
        let (_, high, others) = picture(view, [1200.0, 1400.0]);
        assert_eq!(name, format!("x-{}.png", view.name()));
        assert_eq!((low.width, low.height), (high.width, high.height), "{name}");
        assert!(pixels == others, "{name} depends on the window's height");
        let ink = pixels
            .chunks(4)
            .filter(|pixel| pixel[..3] != pixels[..3])
            .count();
        assert!(ink > 2000, "{name}: {ink} pixels are drawn on");
    }
    let (_, results, _) = picture(View::Results, [1200.0, 260.0]);
    assert!(results.height > 2 * 260, "{} pixels high", results.height);
}

#[test]
fn a_picture_of_curves_keeps_its_shape() {
    let (name, info, pixels) = picture(View::Curves, [1200.0, 300.0]);
    assert_eq!(name, "x-curves.png");
    let shape = f64::from(info.height) / f64::from(info.width);
    assert!(
        (0.5..0.65).contains(&shape),
        "{} x {}",
        info.width,
        info.height
    );
    // Lines in colours, on a ground and with letters in greys.
    let colourful = |pixel: &&[u8]| pixel[0].abs_diff(pixel[2]) > 60;
    let count = pixels.chunks(4).filter(colourful).count();
    assert!(count > 1000, "{count} pixels of lines");
}
