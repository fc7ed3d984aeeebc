in vec3 position;
in vec3 normal;
flat in vec4 tint;
in vec4 state;
in vec3 inside;
in vec2 face;
out vec4 pixel;
uniform sampler2D atlas;
bool lit(int bit) { return (int(state.x + 0.5) & bit) != 0; }
void main() {
    vec3 view = eye.xyz - position;
    float distance_m = length(view);
    view /= distance_m;
    vec3 n = normalize(normal);
    int material = int(tint.w + 0.5);
    vec3 albedo = tint.rgb;
    vec3 glow = vec3(0.0);
    float mirror = 0.0;
    if (material == 1 || material == 12 || material == 23) mirror = 0.35;
    else if (material == 2) mirror = 1.0;
    else if (material == 3) { glow = lit(2) || lit(4) ? vec3(2.2, 2.1, 1.8) : lit(1) ? vec3(0.9, 0.87, 0.75) : vec3(0.0); mirror = 0.7; }
    else if (material == 4) { glow = lit(8) ? vec3(2.6, 0.09, 0.05) : lit(1) || lit(2) || lit(128) ? vec3(0.62, 0.02, 0.012) : vec3(0.0); mirror = 0.2; }
    else if (material == 22) { glow = lit(8) ? vec3(2.6, 0.09, 0.05) : vec3(0.0); }
    else if (material == 5 || material == 6) {            // indicators blink with the simulation's time
        bool on = lit(material == 5 ? 32 : 16) && fract(clock.x * 1.5) < 0.55;
        if (on) glow = vec3(2.4, 0.95, 0.04);
    }
    else if (material == 7) { if (lit(64)) glow = vec3(1.7); }
    else if (material == 15) {                            // beacons flash in turn, left and right
        float beat = fract(clock.x * 2.2 + (inside.y > 0.0 ? 0.5 : 0.0));
        if (lit(512) && (beat < 0.16 || (beat > 0.24 && beat < 0.40))) glow = normalize(albedo + 0.002) * 3.4;
        mirror = 0.3;
    }
    else if (material >= 8 && material <= 10) {
        bool on = int(state.x + 0.5) == material - 8;
        vec3 lens = material == 8 ? vec3(2.8, 0.07, 0.04) : material == 9 ? vec3(2.6, 1.25, 0.04) : vec3(0.06, 2.4, 0.75);
        albedo = lens * 0.018;
        if (on) glow = lens;
    }
    else if (material == 11) {
        vec3 lump = floor(inside * 3.1);
        albedo *= 0.72 + 0.55 * fract(dot(lump, vec3(0.371, 0.617, 0.833)) * 3.7);
        albedo *= 0.62 + 0.38 * clamp(n.z * 0.8 + 0.6, 0.0, 1.0);
    }
    else if (material == 13) { if (state.x < 0.5) glow = albedo * (0.25 + 2.3 * sun.w); }   // 1: a lamp that is switched off
    else if (material == 16) {
        vec4 texel = texture(atlas, face);
        if (texel.a < 0.4) discard;
        albedo = texel.rgb * texel.rgb;
        glow = albedo * (0.22 * sun.w + 2.5 * state.w);     // sheeting sends light back
    }
    else if (material == 14) { glow = albedo * (0.2 * sun.w + 1.5 * state.w); }
    vec3 color = shade(albedo, n, state.z) + glow;
    color += albedo * (state.y * sun.w * (0.35 + 0.65 * max(n.z, 0.0)) * vec3(1.7, 1.25, 0.75) + state.w * sun.w * BEAM);
    if (mirror > 0.0) {
        float facing = clamp(dot(n, view), 0.0, 1.0);
        float slant = 1.0 - facing;
        float fresnel = 0.05 + 0.95 * slant * slant * slant * slant * slant;
        vec3 bounce = reflect(-view, n);
        vec3 seen = mix(fog.rgb * 0.35, mix(fog.rgb, zenith.rgb, clamp(bounce.z, 0.0, 1.0)), smoothstep(-0.12, 0.12, bounce.z));
        color = mix(color, seen, mirror * min(fresnel + 0.06, 1.0));
        float shine = max(dot(bounce, sun.xyz), 0.0);
        shine *= shine; shine *= shine; shine *= shine; shine *= shine; shine *= shine; shine *= shine;
        color += sun_color.rgb * (state.z * mirror * shine * 0.8);
    }
    pixel = shown(mix(air_light(-view), color, clearness(distance_m, position.z)), 1.0);
}
