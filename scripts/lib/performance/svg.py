# SPDX-License-Identifier: Apache-2.0
"""Line charts as SVG: a few curves over a logarithmic axis. Small enough to write ourselves, so that a page needs no plotting library."""
import math
from xml.sax.saxutils import escape

COLOURS = {"skylark": "#1f6fb2", "java": "#c0532b", "kafka": "#5b8c3a"}
LABELS = {"skylark": "Skylark", "java": "RocketMQ 5.3.3", "kafka": "Kafka"}
WIDTH, HEIGHT = 640, 340
LEFT, RIGHT, TOP, BOTTOM = 76, 20, 40, 52


def chart(title, x_label, y_label, series):
    """`series`: name → list of (x, y). Both axes are logarithmic, since servers differ by factors. Returns the SVG text, or None
    when there is nothing to draw."""
    series = {name: [(x, y) for x, y in points if y > 0] for name, points in series.items()}
    series = {name: points for name, points in series.items() if points}
    if not series:
        return None
    xs = sorted({x for points in series.values() for x, _ in points})
    ys = [y for points in series.values() for _, y in points]
    low, high = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys) * 1.02))
    high = max(high, low + 1)
    x_low, x_high = math.log10(xs[0]), max(math.log10(xs[-1]), math.log10(xs[0]) + 0.1)

    def place(x, y):
        across = (math.log10(x) - x_low) / (x_high - x_low)
        up = (math.log10(y) - low) / (high - low)
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
           f'<text x="{LEFT}" y="20" font-size="14" font-weight="bold">{escape(title)}</text>']
    for power in range(low, high + 1):
        x, y = place(xs[0], 10 ** power)
        out.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#dddddd"/>')
        out.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{short(10 ** power)}</text>')
    for x in xs:
        at, base = place(x, 10 ** low)
        out.append(f'<line x1="{at:.1f}" y1="{base:.1f}" x2="{at:.1f}" y2="{base + 5:.1f}" stroke="#555555"/>')
        out.append(f'<text x="{at:.1f}" y="{base + 18:.1f}" text-anchor="middle">{short(x)}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 12}" text-anchor="middle">{escape(x_label)}</text>')
    out.append(f'<text transform="translate(16,{(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">{escape(y_label)}</text>')
    for number, (name, points) in enumerate(series.items()):
        places = [place(x, y) for x, y in sorted(points)]
        colour = COLOURS.get(name, "#333333")
        out.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        at = WIDTH - RIGHT - 120 * (len(series) - number)
        out.append(f'<rect x="{at}" y="27" width="10" height="10" fill="{colour}"/><text x="{at + 14}" y="36">{escape(LABELS.get(name, name))}</text>')
    return "\n".join([*out, "</svg>", ""])


def short(number):
    """1000 → 1k, 0.1 → 0.1."""
    for limit, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:g}{suffix}"
    return f"{number:g}"
