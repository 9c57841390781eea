//! The timeline of a run as a picture (SVG): who was master when, each advert and announcement, what a client felt; and,
//! enlarged, what happened when the timer of the heir had ended.
//!
//! It knows only points of time, in seconds. The colours follow the reader's choice of light or dark.

use std::fmt::Write;

/// A run, in seconds from its start.
pub struct Timeline {
    /// Where the picture ends.
    pub end: f64,
    /// The nodes, the first one above.
    pub lanes: Vec<Lane>,
    /// When the client had answers.
    pub answered: Vec<Span>,
    /// What was done to the nodes.
    pub events: Vec<(f64, &'static str)>,
    /// From the last advert of the dead master to the first one of its heir.
    pub silence: Span,
    /// The moment of the takeover, of one or more programs.
    pub takeovers: Vec<Takeover>,
}

/// From, to.
pub type Span = (f64, f64);

/// What a node did.
pub struct Lane {
    /// Its name.
    pub name: String,
    /// When it was master.
    pub master: Vec<Span>,
    /// When no daemon ran there.
    pub dead: Vec<Span>,
    /// Its adverts.
    pub adverts: Vec<f64>,
    /// Its announcements of the address.
    pub announcements: Vec<f64>,
}

/// What an heir did, in seconds from the end of the protocol's own timer.
pub struct Takeover {
    /// The program.
    pub name: String,
    /// The first advert.
    pub advert: f64,
    /// The address was there.
    pub address: f64,
    /// Announcements of the address.
    pub announcements: Vec<f64>,
}

const WIDTH: f64 = 880.0;
const LEFT: f64 = 150.0;
const RIGHT: f64 = 20.0;
/// The first lane's line, and how far the lanes are apart.
const TOP: f64 = 62.0;
const LANE: f64 = 56.0;
/// Half of the height of a master's bar.
const BAR: f64 = 11.0;
const ROW: f64 = 30.0;

const STYLE: &str = "
  text { font: 12px ui-sans-serif, system-ui, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328 }
  .small { font-size: 11px; fill: #59636e }
  .name { font-weight: 600 }
  .back { fill: #ffffff; stroke: #d1d9e0 }
  .line { stroke: #818b98 }
  .grid { stroke: #d1d9e0 }
  .dead { stroke: #818b98; stroke-dasharray: 1 5 }
  .bar { fill: #1a7f37; fill-opacity: .22 }
  .ok { fill: #1a7f37; fill-opacity: .55 }
  .tick { stroke: #1a7f37; stroke-width: 2 }
  .garp { fill: #0969da }
  .address { fill: none; stroke: #8250df; stroke-width: 2 }
  .event { stroke: #cf222e; stroke-dasharray: 4 3 }
  .told { fill: #cf222e }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 } .told { fill: #ff7b72 }
    .back { fill: #0d1117; stroke: #3d444d } .grid { stroke: #2a313c }
    .bar, .ok { fill: #3fb950 } .tick { stroke: #3fb950 } .garp { fill: #4493f8 } .address { stroke: #ab7df8 }
    .event { stroke: #f85149 }
  }
";

/// The picture.
pub fn draw(timeline: &Timeline) -> String {
    let mut picture = Picture { text: String::new(), scale: (WIDTH - LEFT - RIGHT) / timeline.end };
    let client = TOP + LANE * timeline.lanes.len() as f64 - 8.0;
    let axis = client + 26.0;
    picture.axis(timeline.end, axis);
    for (at, what) in &timeline.events {
        picture.event(*at, what, axis);
    }
    for (lane, y) in timeline.lanes.iter().zip((0..).map(|i| TOP + LANE * f64::from(i))) {
        picture.lane(lane, y);
    }
    picture.silence(timeline.silence, TOP + LANE / 2.0 - 6.0);
    picture.text(14.0, client + 4.0, "", "a client's pings");
    for (from, to) in &timeline.answered {
        picture.bar("ok", (*from, *to), client, 4.0);
    }
    let mut y = picture.legend(axis + 42.0) + 22.0;
    if !timeline.takeovers.is_empty() {
        y = picture.takeovers(&timeline.takeovers, y + 6.0);
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {y:.0}\" width=\"{WIDTH}\" height=\"{y:.0}\" \
         role=\"img\" aria-label=\"Timeline of a failover and a return\">\n<style>{STYLE}</style>\n\
         <rect class=\"back\" x=\".5\" y=\".5\" width=\"{:.0}\" height=\"{:.0}\" rx=\"6\"/>\n{}</svg>\n",
        WIDTH - 1.0,
        y - 1.0,
        picture.text
    )
}

struct Picture {
    text: String,
    /// Units of the picture a second.
    scale: f64,
}

impl Picture {
    fn x(&self, at: f64) -> f64 {
        LEFT + at * self.scale
    }

    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        self.text.write_fmt(element).expect("a string takes all");
        self.text.push('\n');
    }

    fn text(&mut self, x: f64, y: f64, class: &str, text: &str) {
        self.add(format_args!("<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\">{text}</text>"));
    }

    fn middle(&mut self, x: f64, y: f64, class: &str, text: &str) {
        self.add(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\" text-anchor=\"middle\">{text}</text>"
        ));
    }

    fn path(&mut self, class: &str, path: &str) {
        self.add(format_args!("<path class=\"{class}\" d=\"{path}\"/>"));
    }

    fn bar(&mut self, class: &str, (from, to): Span, y: f64, half: f64) {
        let (x, width) = (self.x(from), (to - from) * self.scale);
        self.add(format_args!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\" rx=\"2\"/>",
            y - half,
            2.0 * half
        ));
    }

    /// Upright strokes, in one element.
    fn ticks(&mut self, points: &[f64], y: f64, half: f64) {
        let path: String = points.iter().map(|x| format!("M{x:.1} {:.1}v{:.1}", y - half, 2.0 * half)).collect();
        self.path("tick", &path);
    }

    /// Triangles that point up to the line, in one element.
    fn triangles(&mut self, points: &[f64], y: f64) {
        let path: String = points.iter().map(|x| format!("M{x:.1} {y:.1}l3.5 7h-7z")).collect();
        self.path("garp", &path);
    }

    fn axis(&mut self, end: f64, y: f64) {
        for second in 0..=end as u32 {
            let x = self.x(f64::from(second));
            if second % 5 == 0 {
                self.path("grid", &format!("M{x:.1} {:.1}V{y:.1}", TOP - 20.0));
                self.middle(x, y + 15.0, "small", &format!("{second} s"));
            } else {
                self.path("line", &format!("M{x:.1} {y:.1}v-4"));
            }
        }
        let (from, to) = (self.x(0.0), self.x(end));
        self.path("line", &format!("M{from:.1} {y:.1}H{to:.1}"));
    }

    fn event(&mut self, at: f64, what: &str, bottom: f64) {
        let x = self.x(at);
        self.path("event", &format!("M{x:.1} 28V{bottom:.1}"));
        self.middle(x, 20.0, "told", what);
    }

    fn lane(&mut self, lane: &Lane, y: f64) {
        self.text(14.0, y + 4.0, "name", &lane.name);
        let runs = |at: f64| !lane.dead.iter().any(|(from, to)| (*from..*to).contains(&at));
        let end = (WIDTH - LEFT - RIGHT) / self.scale;
        let mut edges: Vec<f64> = lane.dead.iter().flat_map(|(from, to)| [*from, *to]).chain([0.0, end]).collect();
        edges.sort_by(f64::total_cmp);
        for pair in edges.windows(2) {
            let class = if runs((pair[0] + pair[1]) / 2.0) { "line" } else { "dead" };
            let (from, to) = (self.x(pair[0]), self.x(pair[1]));
            self.path(class, &format!("M{from:.1} {y:.1}H{to:.1}"));
        }
        for span in &lane.master {
            self.bar("bar", *span, y, BAR);
            let x = self.x(span.0) + 3.0;
            if (span.1 - span.0) * self.scale > 60.0 {
                self.text(x, y - BAR - 4.0, "small", "MASTER");
            }
        }
        let adverts: Vec<f64> = lane.adverts.iter().map(|at| self.x(*at)).collect();
        self.ticks(&adverts, y, 7.0);
        let announcements: Vec<f64> = lane.announcements.iter().map(|at| self.x(*at)).collect();
        self.triangles(&announcements, y + BAR + 2.0);
    }

    fn silence(&mut self, (from, to): Span, y: f64) {
        let (left, right) = (self.x(from), self.x(to));
        self.path(
            "line",
            &format!("M{left:.1} {:.1}v10M{right:.1} {:.1}v10M{left:.1} {y:.1}H{right:.1}", y - 5.0, y - 5.0),
        );
        self.middle((left + right) / 2.0, y - 5.0, "small", &format!("{:.4} s", to - from));
    }

    /// What the signs mean; gives where it ends.
    fn legend(&mut self, y: f64) -> f64 {
        let mut x = LEFT;
        self.ticks(&[x], y - 4.0, 6.0);
        self.text(x + 8.0, y, "small", "advert");
        x += 80.0;
        self.triangles(&[x], y - 8.0);
        self.text(x + 8.0, y, "small", "gratuitous ARP");
        x += 130.0;
        self.path("address", &format!("M{x:.1} {:.1}l5 5l-5 5l-5 -5z", y - 9.0));
        self.text(x + 10.0, y, "small", "address on the interface");
        x += 180.0;
        self.path("dead", &format!("M{x:.1} {:.1}h24", y - 4.0));
        self.text(x + 32.0, y, "small", "no daemon");
        y
    }

    /// The takeovers, enlarged; gives where they end.
    fn takeovers(&mut self, takeovers: &[Takeover], top: f64) -> f64 {
        let last = |t: &Takeover| t.announcements.iter().copied().chain([t.advert, t.address]).fold(0.0, f64::max);
        let step = step(takeovers.iter().map(last).fold(0.0, f64::max));
        let end = step * 5.5;
        let scale = (WIDTH - LEFT - RIGHT) / end;
        let x = |at: f64| LEFT + at * scale;
        self.path("grid", &format!("M1 {top:.1}H{:.1}", WIDTH - 1.0));
        self.text(14.0, top + 20.0, "", "The takeover, enlarged: time after the protocol's own timer has ended");
        let axis = top + 34.0 + ROW * takeovers.len() as f64 + 8.0;
        for i in 0..=5_u32 {
            let at = step * f64::from(i);
            self.path("grid", &format!("M{:.1} {:.1}V{axis:.1}", x(at), top + 30.0));
            self.middle(x(at), axis + 15.0, "small", &format!("{} ms", round(at * 1000.0)));
        }
        self.path("line", &format!("M{:.1} {axis:.1}H{:.1}", x(0.0), x(end)));
        for (takeover, y) in takeovers.iter().zip((0..).map(|i| top + 48.0 + ROW * f64::from(i))) {
            self.text(14.0, y + 4.0, "name", &takeover.name);
            self.path("line", &format!("M{:.1} {y:.1}H{:.1}", x(0.0), x(end)));
            self.ticks(&[x(takeover.advert)], y, 7.0);
            self.path("address", &format!("M{:.1} {:.1}l5 5l-5 5l-5 -5z", x(takeover.address), y - 5.0));
            let announcements: Vec<f64> = takeover.announcements.iter().map(|at| x(*at)).collect();
            self.triangles(&announcements, y + 2.0);
        }
        axis + 26.0
    }
}

/// A round fifth of a little more than `span`.
fn step(span: f64) -> f64 {
    let wanted = (span / 5.0).max(1e-5);
    let power = 10_f64.powf(wanted.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|f| f * power >= wanted).unwrap_or(10.0);
    factor * power
}

/// Without the noise of binary fractions.
fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
