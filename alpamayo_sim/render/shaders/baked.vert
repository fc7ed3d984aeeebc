in vec2 in_place;
in vec2 in_disc;
in float in_value;        // share of full shadow, lamp light, or height of the shadow's top
out vec2 disc;
out float value;
uniform vec2 corner;
uniform float per_metre;
void main() {
    disc = in_disc;
    value = in_value;
    gl_Position = vec4((in_place - corner) * per_metre * 2.0 - 1.0, 0.0, 1.0);
}
