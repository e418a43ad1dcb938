//! Pictures for papers and slides: a part of the window drawn once more without a window.
//!
//! A window shows as much of a long page as it has room for. Here the page is laid out on a sheet
//! that is as large as it needs, and egui's triangles are filled in by us: the same picture on every
//! machine and in a browser, with no card, no limit of a texture's size and nothing to wait for.

mod fill;

use std::collections::HashMap;

use eframe::egui::{
    self, Color32, ColorImage, ImageData, RawInput, Rect, TextureId, TexturesDelta, Theme, Ui,
    Vec2, epaint::ClippedPrimitive, pos2, vec2,
};

use super::theme;

/// Pixels to a point: twice those of a plain screen, so that the picture can be printed.
const SCALE: f32 = 2.0;

/// Room around what is drawn.
const MARGIN: f32 = 12.0;

/// A sheet is no larger than this, in points: its pixels have to fit into a browser's memory.
const LARGEST: Vec2 = vec2(3000.0, 5000.0);

/// How often a sheet is laid out anew because what is on it needs more room.
const ATTEMPTS: usize = 6;

/// Passes until everything on a sheet has come to rest: sizes, columns, bounds of plots.
const PASSES: usize = 4;

/// Draws on a sheet `width` wide and as high as it takes, or wider where something does not fit.
/// `height` is what is offered to things that take all they get.
pub fn of(theme: Theme, [width, height]: [f32; 2], mut draw: impl FnMut(&mut Ui)) -> ColorImage {
    let mut sheet = Sheet::new(theme);
    let mut size = vec2(width, height);
    let mut taken = size;
    for _ in 0..ATTEMPTS {
        for _ in 0..PASSES {
            taken = sheet.pass(size, &mut draw).0;
        }
        let wanted = size.max(taken).min(LARGEST);
        if wanted == size {
            break;
        }
        size = wanted;
    }
    let primitives = sheet.pass(size, &mut draw).1;
    // What is not taken of the height is cut off; the width is what was asked for.
    let size = vec2(size.x, taken.y.min(size.y)) + Vec2::splat(2.0 * MARGIN);
    sheet.filled(size, &primitives)
}

/// An egui of its own that knows no window.
struct Sheet {
    context: egui::Context,
    textures: HashMap<TextureId, ColorImage>,
    time: f64,
}

impl Sheet {
    fn new(theme: Theme) -> Self {
        let context = egui::Context::default();
        theme::apply(&context);
        context.set_theme(theme);
        context.all_styles_mut(|style| style.animation_time = 0.0);
        Self {
            context,
            textures: HashMap::new(),
            time: 0.0,
        }
    }

    /// Lays everything out once. Returns the room it took and what it looks like.
    fn pass(
        &mut self,
        size: Vec2,
        draw: &mut impl FnMut(&mut Ui),
    ) -> (Vec2, Vec<ClippedPrimitive>) {
        let whole = Rect::from_min_size(egui::Pos2::ZERO, size + Vec2::splat(2.0 * MARGIN));
        let mut input = RawInput {
            screen_rect: Some(whole),
            time: Some(self.time),
            ..RawInput::default()
        };
        input
            .viewports
            .entry(egui::ViewportId::ROOT)
            .or_default()
            .native_pixels_per_point = Some(SCALE);
        self.time += 1.0;
        let mut taken = Vec2::ZERO;
        let output = self.context.run_ui(input, |ui| {
            let inner = Rect::from_min_size(pos2(MARGIN, MARGIN), size);
            let mut ui = ui.new_child(egui::UiBuilder::new().max_rect(inner));
            draw(&mut ui);
            taken = ui.min_rect().max - inner.min;
        });
        self.take_textures(output.textures_delta);
        let primitives = self.context.tessellate(output.shapes, SCALE);
        (taken.ceil(), primitives)
    }

    fn take_textures(&mut self, mut delta: TexturesDelta) {
        for (id, changes) in std::mem::take(&mut delta.set) {
            for change in changes {
                let ImageData::Color(image) = change.image;
                match (change.pos, self.textures.get_mut(&id)) {
                    (Some(place), Some(texture)) => patch(texture, place, &image),
                    _ => {
                        self.textures.insert(id, (*image).clone());
                    }
                }
            }
        }
        for id in std::mem::take(&mut delta.free) {
            self.textures.remove(&id);
        }
    }

    fn filled(&self, size: Vec2, primitives: &[ClippedPrimitive]) -> ColorImage {
        let pixels = [size.x, size.y].map(|points| (points * SCALE).ceil().max(1.0) as usize);
        let ground = self.context.global_style().visuals.panel_fill;
        let mut image = ColorImage::filled(pixels, ground);
        for ClippedPrimitive {
            clip_rect,
            primitive,
        } in primitives
        {
            // Only a window could run a callback; the rooms have none.
            if let egui::epaint::Primitive::Mesh(mesh) = primitive
                && let Some(texture) = self.textures.get(&mesh.texture_id)
            {
                fill::mesh(&mut image, mesh, texture, *clip_rect, SCALE);
            }
        }
        image
    }
}

fn patch(texture: &mut ColorImage, [left, top]: [usize; 2], image: &ColorImage) {
    let [width, height] = image.size;
    for row in 0..height {
        let to = (top + row) * texture.size[0] + left;
        let from = row * width;
        texture.pixels[to..to + width].copy_from_slice(&image.pixels[from..from + width]);
    }
}

/// An image as PNG.
pub fn encode_png(image: &ColorImage) -> Result<Vec<u8>, png::EncodingError> {
    let [width, height] = image.size;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    let pixels: Vec<u8> = image.pixels.iter().flat_map(Color32::to_array).collect();
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
