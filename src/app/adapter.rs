//! What a browser says of its graphics card, and which device training will take, in words.

use serde::Deserialize;

/// The fields of WebGPU's `GPUAdapterInfo`; a browser leaves empty what it does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Adapter {
    pub vendor: String,
    pub architecture: String,
    pub device: String,
    pub description: String,
    /// The browser's own word for an adapter that is a program.
    pub fallback: bool,
}

/// Names under which programs that stand in for a card go.
const SOFTWARE: [&str; 4] = ["swiftshader", "llvmpipe", "lavapipe", "basic render"];

impl Adapter {
    /// Whether it is a program on the processor.
    pub fn is_software(&self) -> bool {
        let said = self.name().to_lowercase();
        self.fallback || SOFTWARE.iter().any(|name| said.contains(name))
    }

    fn name(&self) -> String {
        let all = [
            &self.vendor,
            &self.architecture,
            &self.device,
            &self.description,
        ];
        let said: Vec<&str> = all
            .into_iter()
            .map(|part| part.as_str())
            .filter(|part| !part.is_empty())
            .collect();
        match said.is_empty() {
            true => "a card that the browser does not name".into(),
            false => said.join(" "),
        }
    }
}

/// Which device `auto` takes in this browser, in short and with the reason.
pub fn in_words(adapter: Option<&Adapter>) -> (String, String) {
    let choose =
        "A run's setting `device` chooses: \"cpu\", \"gpu\", or \"auto\" as described here.";
    match adapter {
        None => (
            "CPU: no WebGPU".into(),
            format!(
                "This browser gives no graphics card to pages (WebGPU), so training runs on the \
                 CPU. {choose}"
            ),
        ),
        Some(adapter) if adapter.is_software() => (
            "CPU: no graphics card".into(),
            format!(
                "WebGPU is there, but what answers is a program on the processor ({}): the CPU \
                 itself is faster, so training runs there. {choose}",
                adapter.name()
            ),
        ),
        Some(adapter) => (
            "CPU and graphics card".into(),
            format!(
                "Small models train on the CPU, where a step costs less than starting the card's \
                 programs; larger ones on {}. {choose}",
                adapter.name()
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_stands_in_for_a_card_is_told_from_a_card() {
        let read = |text: &str| serde_json::from_str::<Adapter>(text).unwrap();
        let program = read(r#"{"vendor":"google","architecture":"swiftshader","fallback":false}"#);
        let says_so = read(r#"{"vendor":"","fallback":true}"#);
        let card = read(r#"{"vendor":"nvidia","architecture":"ada","description":""}"#);
        assert!(program.is_software() && says_so.is_software() && !card.is_software());
        assert!(in_words(Some(&program)).1.contains("google swiftshader"));
        assert!(in_words(Some(&card)).1.contains("nvidia ada"));
        assert!(in_words(None).0.starts_with("CPU"));
    }
}
