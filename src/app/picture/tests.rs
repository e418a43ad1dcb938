use eframe::egui::{Mesh, RichText, Stroke};

use super::*;

const RED: Color32 = Color32::from_rgb(200, 0, 0);

fn at(image: &ColorImage, x: f32, y: f32) -> Color32 {
    let [x, y] = [x, y].map(|points| ((points + MARGIN) * SCALE) as usize);
    image.pixels[y * image.size[0] + x]
}

fn count(image: &ColorImage, wanted: impl Fn(Color32) -> bool) -> usize {
    image.pixels.iter().filter(|&&color| wanted(color)).count()
}

#[test]
fn the_sheet_is_as_high_as_what_is_on_it() {
    let image = of(Theme::Light, [200.0, 50.0], |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for row in 0..40 {
            let (rect, _) = ui.allocate_exact_size(vec2(100.0, 25.0), egui::Sense::hover());
            if row == 39 {
                ui.painter().rect_filled(rect, 0.0, RED);
            }
        }
    });
    let size = [200.0 + 2.0 * MARGIN, 1000.0 + 2.0 * MARGIN].map(|points| points * SCALE);
    assert_eq!(image.size.map(|pixels| pixels as f32), size);
    assert_eq!(at(&image, 50.0, 990.0), RED, "the last row is there");
    assert_ne!(at(&image, 50.0, 970.0), RED);
    assert_ne!(at(&image, 150.0, 990.0), RED);
}

#[test]
fn what_is_wider_makes_the_sheet_wider_and_what_is_small_makes_it_lower() {
    let image = of(Theme::Dark, [100.0, 300.0], |ui| {
        ui.allocate_exact_size(vec2(400.0, 30.0), egui::Sense::hover());
    });
    let inner = image
        .size
        .map(|pixels| pixels as f32 / SCALE - 2.0 * MARGIN);
    assert_eq!(inner, [400.0, 30.0]);
}

#[test]
fn words_are_written_and_the_ground_is_the_themes() {
    for (theme, dark) in [(Theme::Light, false), (Theme::Dark, true)] {
        let image = of(theme, [300.0, 40.0], |ui| {
            ui.label(RichText::new("Accuracy 53 %").strong());
        });
        let bright = |color: Color32| color.r() > 128;
        let (light, all) = (count(&image, bright), image.pixels.len());
        assert_eq!(light < all / 2, dark, "{light} of {all} pixels are light");
        let ink = if dark { light } else { all - light };
        assert!(ink > 300, "{ink} pixels of ink");
        assert!(image.pixels.iter().all(Color32::is_opaque));
    }
}

/// Half-transparent triangles that share edges cover every pixel once.
#[test]
fn triangles_that_meet_leave_no_seam() {
    let mut mesh = Mesh::default();
    let half = Color32::from_rgba_premultiplied(100, 0, 0, 128);
    let corners = [
        (0.0, 0.0),
        (31.3, 0.0),
        (31.3, 27.7),
        (0.0, 27.7),
        (13.1, 9.9),
    ];
    for (x, y) in corners {
        mesh.colored_vertex(pos2(x, y), half);
    }
    for [a, b] in [[0, 1], [1, 2], [2, 3], [3, 0]] {
        mesh.add_triangle(a, b, 4);
    }
    let white = ColorImage::filled([1, 1], Color32::WHITE);
    let mut image = ColorImage::filled([32, 28], Color32::BLACK);
    let clip = Rect::from_min_max(pos2(0.0, 0.0), pos2(31.0, 100.0));
    fill::mesh(&mut image, &mesh, &white, clip, 1.0);
    for (index, &color) in image.pixels.iter().enumerate() {
        let wanted = match index % 32 {
            31 => Color32::BLACK,
            _ => Color32::from_rgb(100, 0, 0),
        };
        assert_eq!(color, wanted, "pixel {index}");
    }
}

#[test]
fn colours_go_over_from_corner_to_corner_and_textures_between_texels() {
    let mut mesh = Mesh::default();
    for (x, y) in [(0.0, 0.0), (64.0, 0.0), (0.0, 64.0), (64.0, 64.0)] {
        mesh.vertices.push(egui::epaint::Vertex {
            pos: pos2(x, y),
            uv: pos2(x / 64.0, 0.5),
            color: if y > 0.0 {
                Color32::WHITE
            } else {
                Color32::BLACK
            },
        });
    }
    mesh.indices = vec![0, 1, 2, 1, 2, 3];
    let mut texture = ColorImage::filled([2, 1], Color32::WHITE);
    texture.pixels[1] = Color32::RED;
    let mut image = ColorImage::filled([64, 64], Color32::BLACK);
    fill::mesh(&mut image, &mesh, &texture, Rect::EVERYTHING, 1.0);
    let pixel = |x: usize, y: usize| image.pixels[y * 64 + x].to_array();
    let near = |a: u8, b: i32| (i32::from(a) - b).abs() <= 4;
    assert!(near(pixel(0, 0)[0], 2) && near(pixel(0, 63)[0], 253));
    assert!(
        near(pixel(5, 32)[1], 130),
        "white on the left: {:?}",
        pixel(5, 32)
    );
    assert!(
        near(pixel(60, 32)[1], 0),
        "red on the right: {:?}",
        pixel(60, 32)
    );
    assert!(
        near(pixel(32, 63)[1], 123),
        "half-way between: {:?}",
        pixel(32, 63)
    );
}

#[test]
fn lines_that_lie_on_pixels_are_sharp() {
    let image = of(Theme::Light, [60.0, 20.0], |ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(60.0, 20.0), egui::Sense::hover());
        let x = rect.left()..=rect.right();
        ui.painter()
            .hline(x, rect.top() + 10.0, Stroke::new(1.0, RED));
    });
    let red = |color: Color32| color.r() > 190 && color.g() < 12;
    let pixels = count(&image, red);
    assert!(
        (200..=250).contains(&pixels),
        "{pixels} of 60 x 2 x 2 pixels"
    );
}

#[test]
fn a_png_gives_its_pixels_back() {
    let mut image = ColorImage::filled([3, 2], RED);
    image.pixels[5] = Color32::from_rgb(1, 2, 3);
    let bytes = encode_png(&image).expect("a PNG");
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
        .read_info()
        .expect("a PNG");
    let mut pixels = vec![0; 24];
    reader.next_frame(&mut pixels).expect("pixels");
    assert_eq!(pixels[..4], RED.to_array());
    assert_eq!(pixels[20..], [1, 2, 3, 255]);
}
