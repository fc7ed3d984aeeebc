in vec3 in_position;      // corners -1..1
in vec4 in_row0;          // xyz lamp, w radius of its halo in metres
in vec4 in_row1;          // rgb light, w smallest radius in pixels
in vec4 in_row2;          // xyz direction that it shines to (zero: all around), w height over the ground
out vec2 corner;
flat out vec3 light;
uniform int mirrored;     // 1: its image in the wet ground
void main() {
    look();
    vec3 lamp = in_row0.xyz;
    vec3 way = lamp - eye.xyz;
    float away = max(length(way), 0.1);
    float facing = dot(in_row2.xyz, in_row2.xyz) < 0.1 ? 1.0 : smoothstep(-0.1, 0.6, -dot(way / away, in_row2.xyz));
    float radius = max(in_row0.w * 0.5 + 0.012 * away, in_row1.w * eye.w * away);
    radius = min(radius, in_row0.w * 4.0);
    vec3 right = normalize(cross(vec3(0.0, 0.0, 1.0), way / away) + vec3(1e-5, 0.0, 0.0));
    vec3 up = cross(way / away, right);
    light = in_row1.rgb * facing * clearness(away, lamp.z);
    vec3 place = lamp - way / away * 0.35 + (right * in_position.x + up * in_position.y) * radius;
    if (mirrored == 1) {
        float high = max(eye.z - (lamp.z - in_row2.w), 0.3);
        float share = high / (high + max(in_row2.w, 0.05));
        vec2 spot = eye.xy + way.xy * share;
        vec2 ahead = normalize(way.xy + vec2(1e-5));
        float long_m = min((0.7 + 0.03 * away) * (0.6 + in_row2.w * 0.4), 3.5);
        radius = min(radius, 1.2);
        place = vec3(spot + ahead * in_position.y * long_m + vec2(-ahead.y, ahead.x) * in_position.x * radius * 0.8, lamp.z - in_row2.w + 0.05);
        light *= (0.12 + 0.5 * sun.w) * max(sun_color.w, clock.z * 0.6) * exp(-away / 45.0);
    }
    corner = in_position.xy;
    vec4 clip = clip_of(place);
    clip.z -= 1e-4 * clip.w;
    show(max(light.r, max(light.g, light.b)) < 0.01 ? vec4(2.0, 2.0, 2.0, 1.0) : clip);
}
