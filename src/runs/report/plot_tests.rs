use super::*;

#[test]
fn ticks_are_round_and_inside() {
    let written = |range, count| -> Vec<String> {
        ticks(range, count)
            .into_iter()
            .map(|(_, text)| text)
            .collect()
    };
    assert_eq!(
        written((0.0, 1.0), 5),
        ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]
    );
    assert_eq!(written((-3.0, 17.0), 4), ["0", "5", "10", "15"]);
    assert_eq!(written((0.0, 0.031), 3), ["0", "0.02"]);
    assert_eq!(written((0.0, 4000.0), 4)[1], "1\u{202f}000");
    assert_eq!(written((0.0, 0.0015), 3), ["0", "5e−4", "1e−3", "1.5e−3"]);
    assert_eq!(written((-0.2, 0.0), 2), ["−0.2", "−0.1", "0"]);
}

#[test]
fn points_land_where_the_axes_say() {
    let mut chart = Chart::new(
        "a line",
        Axis::between("x", 0.0, 10.0),
        Axis::between("y", 0.0, 1.0),
    );
    chart.lines.push(Line {
        name: "up".into(),
        colour: "c-0",
        stroke: Stroke::Solid,
        points: vec![
            Point::exact(0.0, 0.0),
            Point::exact(10.0, 1.0),
            Point::exact(20.0, 2.0),
        ],
    });
    let svg = chart.svg();
    // From the lower left corner to the upper right one, where what lies beyond is held.
    assert!(
        svg.contains("d=\"M58.0 200.0L546.0 16.0L546.0 16.0\""),
        "{svg}"
    );
    assert!(!svg.contains("class=\"band"));
    chart.lines[0].points[1].low = 0.5;
    assert!(chart.svg().contains("class=\"band c-0\""));
    assert_eq!(chart.legend(), [Key::new("line c-0", "up")]);
}

#[test]
fn constant_and_missing_values_have_an_axis_too() {
    assert_eq!(ends([].into_iter(), true), (0.0, 1.0));
    let (low, high) = ends([3.0, 3.0].into_iter(), true);
    assert!(low < 3.0 && high > 3.0);
    assert_eq!(ends([0.1, 1.0].into_iter(), true).0, 0.0);
}
