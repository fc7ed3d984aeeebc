in vec3 in_center;
in vec2 in_offset;        // from the ribbon's centre line to its edge, metres
in vec4 in_color;         // w which side of the centre line: 0 or 1
out vec3 position;
out vec4 color;
out float across;         // metres from the centre line, signed
out float half_width;
void main() {
    look();
    float depth = max(distance(in_center, eye.xyz), 0.1);
    half_width = length(in_offset);
    float side = in_color.w * 2.0 - 1.0;
    float grown = half_width + depth * eye.w;             // one pixel more on each side, for a soft edge
    across = side * grown;
    position = in_center + vec3(in_offset * (grown / half_width), 0.0);
    color = in_color;
    vec4 clip = clip_of(position);
    clip.z -= 2e-5 * clip.w;                              // paint wins against the road below it, near and far
    show(clip);
}
