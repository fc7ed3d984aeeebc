in vec3 in_position;
in vec4 in_row0;
in vec4 in_row1;
in vec4 in_row2;
in vec4 in_state;         // x 0 shadow, 1 headlight cone; y strength
out vec3 position;
out vec2 corner;
flat out vec2 kind;
void main() {
    vec4 q = vec4(in_position, 1.0);
    position = vec3(dot(in_row0, q), dot(in_row1, q), dot(in_row2, q));
    corner = in_position.xy;
    kind = in_state.xy;
    gl_Position = world_to_clip * vec4(position, 1.0);
    gl_Position.z -= 6e-5 * gl_Position.w;
}
