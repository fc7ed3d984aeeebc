// Drops in a box round the camera, each a streak as long as its way during the exposure.
out float fade;
const float BOX_M = 9.0, EXPOSURE_S = 0.022;
vec3 dice(float n) { return fract(sin(vec3(n, n + 1.7, n + 3.1) * vec3(127.1, 311.7, 74.7)) * 43758.5453); }
void main() {
    look();
    int drop = gl_VertexID / 6, k = gl_VertexID % 6;
    vec2 corner = vec2(k == 1 || k == 2 || k == 4 ? 1.0 : -1.0, k == 2 || k == 4 || k == 5 ? 1.0 : 0.0);
    vec3 fall = vec3(3.0 * clock.w, 1.2 * clock.w, -8.5);
    vec3 middle = dice(float(drop)) * BOX_M + fall * clock.x;
    vec3 place = eye.xyz + mod(middle - eye.xyz, BOX_M) - 0.5 * BOX_M;
    vec3 way = fall * EXPOSURE_S;
    vec3 look = place - eye.xyz;
    float away = length(look);
    vec3 side = normalize(cross(look, way) + vec3(1e-5));
    place += way * corner.y + side * corner.x * max(0.0018, 0.5 * eye.w * away);
    fade = smoothstep(0.5, 1.4, away) * smoothstep(0.5 * BOX_M, 0.3 * BOX_M, away) * min(1.0, 0.006 / (eye.w * away));
    show(clip_of(place));
}
