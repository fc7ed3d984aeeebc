in vec2 disc;
in float value;
out vec4 pixel;
uniform int kind;         // 0 shadows on the ground, 1 lamps, 2 height up to which the air is in shadow
void main() {
    float reach = max(0.0, 1.0 - dot(disc, disc));
    pixel = kind == 0 ? vec4(0.0, 0.0, 0.0, 1.0) : kind == 1 ? vec4(0.0, value * reach * reach, 0.0, 0.0) : vec4(0.0, 0.0, value, 0.0);
}
