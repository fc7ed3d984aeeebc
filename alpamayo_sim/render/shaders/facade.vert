in vec3 in_position;
in vec4 in_normal;        // w seed
in vec2 in_wall;          // metres along the wall and above its foot; negative height marks a roof
in vec4 in_color;         // w style / 255
out vec3 position;
flat out vec3 normal;
flat out float seed;
flat out vec3 base;
flat out int style;
out vec2 wall;
#ifdef GEOMETRY
in float in_owner;        // number of the building
flat out float owner;
#endif
void main() {
    look();
    position = in_position;
    normal = in_normal.xyz * 2.0 - 1.0;
    seed = in_normal.w;
    base = in_color.rgb * in_color.rgb;
    style = int(in_color.w * 255.0 + 0.5);
    wall = in_wall;
#ifdef GEOMETRY
    owner = in_owner;
#endif
#ifdef FLOW
    was(vec4(in_position, 1.0));
#endif
    show(clip_of(in_position));
}
