in vec2 disc;
flat in float value;
out vec4 pixel;
void main() {
    float reach = max(0.0, 1.0 - dot(disc, disc));
    pixel = vec4(0.0, value * reach * reach, 0.0, 1.0 - value);
}
