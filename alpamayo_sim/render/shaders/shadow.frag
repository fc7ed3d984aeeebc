in vec3 position;
in vec2 corner;
in vec2 place;
flat in vec4 box;
flat in vec2 kind;
flat in vec3 sun_here;
out vec4 pixel;
// Metres by which the ray from the ground to the sun passes through a box on the ground between two heights; negative outside.
float inside(vec3 half_box, float low, vec2 at) {
    vec2 slope = sun_here.xy / sun_here.z;
    vec2 way = vec2(abs(slope.x) < 1e-3 ? 1e-3 : slope.x, abs(slope.y) < 1e-3 ? 1e-3 : slope.y);
    vec2 a = (-half_box.xy - at) / way, b = (half_box.xy - at) / way;
    vec2 first = min(a, b), last = max(a, b);
    float enter = max(max(first.x, first.y), low), leave = min(min(last.x, last.y), half_box.z);
    return (leave - enter) * max(length(way), 0.35);
}
void main() {
    float clear_air = clearness(distance(eye.xyz, position), position.z);
    float dark = 0.0;
    if (kind.x > 2.5) {                                   // a person: a slim upright shape
        vec2 slope = -sun_here.xy / sun_here.z;
        float t = clamp(dot(place, slope) / max(dot(slope, slope), 1e-3), 0.0, box.z);
        float width = box.x * (t < 0.45 * box.z ? 0.75 : t < 0.83 * box.z ? 1.05 : 0.6);
        dark = smoothstep(width + 0.06, width - 0.06, length(place - slope * t));
    } else if (kind.x > 1.5) {                            // lower body and cabin
        float lower = inside(vec3(box.xy * vec2(1.0, 0.97), box.w), 0.12, place);
        float upper = inside(vec3(box.xy * vec2(0.62, 0.80), box.z), box.w, place + vec2(0.10 * box.x, 0.0));
        dark = smoothstep(-0.02, 0.16, max(lower, upper));
    } else if (kind.x > 0.5) {                            // the pool of light ahead of a vehicle: adds, so alpha is zero
        float along = corner.x * 0.5 + 0.5;
        float spread = abs(corner.y) / (0.14 + 0.86 * along);
        float beam = (1.0 - smoothstep(0.05, 1.0, spread)) * smoothstep(0.0, 0.07, along) * pow(1.0 - along, 1.6);
        float wet = 1.0 - 0.45 * sun_color.w;
        pixel = vec4((vec3(0.66, 0.64, 0.56) * beam * kind.y * clear_air * wet).bgr, 0.0);
        return;
    } else {
        vec2 soft = 1.0 - smoothstep(0.62, 1.0, abs(corner));
        dark = soft.x * soft.y;
    }
    pixel = vec4(0.0, 0.0, 0.0, dark * kind.y * clear_air);
}
