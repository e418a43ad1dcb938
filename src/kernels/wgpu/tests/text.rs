use burn::backend::wgpu::wgpu::naga;

use crate::kernels::wgpu::Shader;
use crate::kernels::wgpu::launch::text;

/// Every file in shaders/, with the example constants of its head filled in, as it is compiled
/// natively and as it is compiled in the browser.
#[test]
fn every_shader_is_valid() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/shaders");
    let mut seen = 0;
    for file in std::fs::read_dir(folder).expect("shaders/ is part of the source") {
        let path = file.expect("the folder can be listed").path();
        let source = std::fs::read_to_string(&path).expect("the shader can be read");
        let name = path.display();
        assert!(
            source.starts_with("// "),
            "{name} begins by saying what it computes"
        );
        let examples = source
            .lines()
            .filter_map(|line| line.strip_prefix("// const "))
            .map(|constant| format!("const {constant}\n"));
        let constants: String = examples.collect();
        let native = text(
            &Shader {
                name: "",
                text: source.clone().leak(),
            },
            &[],
        );
        for text in [native, source] {
            let text = format!("{constants}{text}");
            let module = naga::front::wgsl::parse_str(&text)
                .unwrap_or_else(|error| panic!("{name}: {}", error.emit_to_string(&text)));
            let mut validator = naga::valid::Validator::new(
                naga::valid::ValidationFlags::all(),
                naga::valid::Capabilities::empty(),
            );
            validator
                .validate(&module)
                .unwrap_or_else(|error| panic!("{name}: {}", error.emit_to_string(&text)));
        }
        seen += 1;
    }
    assert!(seen > 0, "there are shaders");
}
