in vec3 in_position;
in vec4 in_normal;        // xyz packed to 0..1, w surface / 255
out vec3 position;
out vec3 normal;
flat out int surface;
void main() {
    look();
    position = in_position;
    normal = in_normal.xyz * 2.0 - 1.0;
    surface = int(in_normal.w * 255.0 + 0.5);
#ifdef FLOW
    was(vec4(in_position, 1.0));
#endif
    show(clip_of(in_position));
}
