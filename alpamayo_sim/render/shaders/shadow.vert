in vec3 in_position;
in vec4 in_row0;
in vec4 in_row1;
in vec4 in_row2;
in vec4 in_paint;         // for sun shadows: half length, half width and height of the box, w height of the lower body
in vec4 in_state;         // x 0 contact, 1 headlight pool, 2 sun shadow of a box, 3 of a person; y strength; zw middle of the
                          // box in the quad's own frame, metres
out vec3 position;
out vec2 corner;
out vec2 place;           // metres in the box's frame
flat out vec4 box;
flat out vec2 kind;
flat out vec3 sun_here;   // direction to the sun in the box's frame
void main() {
    look();
    vec4 q = vec4(in_position, 1.0);
    position = vec3(dot(in_row0, q), dot(in_row1, q), dot(in_row2, q));
    corner = in_position.xy;
    kind = in_state.xy;
    box = in_paint;
    vec3 x = vec3(in_row0.x, in_row1.x, in_row2.x), y = vec3(in_row0.y, in_row1.y, in_row2.y), z = vec3(in_row0.z, in_row1.z, in_row2.z);
    place = in_position.xy * vec2(length(x), length(y)) - in_state.zw;
    vec3 high = normalize(vec3(sun.xy, max(sun.z, 0.22)));
    sun_here = vec3(dot(high, normalize(x)), dot(high, normalize(y)), max(dot(high, normalize(z)), 0.15));
    vec4 clip = clip_of(position);
    clip.z -= 6e-5 * clip.w;
    show(clip);
}
