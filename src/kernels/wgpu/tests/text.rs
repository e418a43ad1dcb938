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

/// Words that WGSL reserves and people use for names (WGSL, "Reserved Words"; those of other
/// languages' own that nobody would take are left out). Browsers refuse them, the validator here
/// does not.
const RESERVED: &str = "
    active asm attribute auto await become cast catch class coherent common compile concept
    const_cast consteval constexpr constinit debugger decltype delete demote do enum explicit export
    extends extern external fallthrough filter final finally friend from fxgroup get goto groupshared
    highp impl implements import inline instanceof interface layout lowp macro match mediump meta mod
    module move mut mutable namespace new nil noexcept noinline null of operator package packoffset
    partition pass patch pixelfragment pointer precise precision premerge priv protected pub public
    ref regardless register reinterpret_cast require resource restrict self set shared sizeof smooth
    snorm static static_assert static_cast std subroutine super target template this thread_local
    throw trait try type typedef typeid typename typeof union unless unorm unsafe unsized use using
    varying virtual volatile wgsl where with writeonly yield";

#[test]
fn no_name_is_a_reserved_word() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/shaders");
    let reserved: Vec<&str> = RESERVED.split_whitespace().collect();
    for file in std::fs::read_dir(folder).expect("shaders/ is part of the source") {
        let path = file.expect("the folder can be listed").path();
        let source = std::fs::read_to_string(&path).expect("the shader can be read");
        for line in source.lines() {
            let code = line.split("//").next().unwrap_or_default();
            let mut words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
            let found = words.find(|word| reserved.contains(word));
            assert!(found.is_none(), "{}: {found:?} in {line}", path.display());
        }
    }
}
