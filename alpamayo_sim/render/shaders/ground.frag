in vec3 position;
in vec3 normal;
flat in int surface;
out vec4 pixel;
uniform sampler2D noise;
uniform sampler2D baked;  // r sunlight, g lamp light
void main() {
    vec3 view = eye.xyz - position;
    float distance_m = length(view);
    view /= distance_m;
    float coarse = texture(noise, position.xy * 0.013).r;
    float fine = texture(noise, position.xy * 0.31).r;
    vec3 albedo;
    float wet_share = 0.0;
    if (surface == 0) {                                   // asphalt, with a seam and patches here and there
        albedo = vec3(0.072, 0.072, 0.075) * (0.62 + 0.55 * fine + 0.35 * coarse);
        albedo *= 1.0 - 0.22 * smoothstep(0.70, 0.74, texture(noise, position.xy * 0.021 + 0.5).r);
        wet_share = 1.0;
    } else if (surface == 5) {                            // grass
        albedo = mix(vec3(0.055, 0.105, 0.028), vec3(0.115, 0.145, 0.045), coarse) * (0.55 + 0.9 * fine);
        wet_share = 0.12;
    } else if (surface == 1) {                            // shoulder
        albedo = vec3(0.098, 0.096, 0.094) * (0.65 + 0.5 * fine + 0.3 * coarse);
        wet_share = 0.8;
    } else if (surface == 2) {                            // pavement slabs
        vec2 slab = abs(fract(position.xy * 0.55) - 0.5);
        float joint = smoothstep(0.46, 0.5, max(slab.x, slab.y)) * clamp(1.2 - distance_m * 0.045, 0.0, 1.0);
        vec2 stone = floor(position.xy * 0.55);
        albedo = vec3(0.30, 0.285, 0.265) * (0.74 + 0.4 * fine) * (1.0 - 0.4 * joint) * (0.94 + 0.12 * fract(dot(stone, vec2(0.37, 0.73))));
        wet_share = 0.5;
    } else if (surface == 3) {
        albedo = vec3(0.36, 0.355, 0.34) * (0.8 + 0.3 * fine);
        wet_share = 0.3;
    } else if (surface == 7) {
        albedo = vec3(0.16, 0.06, 0.05) * (0.7 + 0.5 * fine);
        wet_share = 0.7;
    } else {
        albedo = vec3(0.25, 0.245, 0.23) * (0.7 + 0.5 * fine);
        wet_share = 0.4;
    }
    vec4 light = vec4(1.0, 0.0, 0.0, 0.0);
    vec2 uv = (position.xy - bake_window.xy) * bake_window.z;
    if (bake_window.w > 0.5 && uv.x > 0.0 && uv.x < 1.0 && uv.y > 0.0 && uv.y < 1.0) light = texture(baked, uv);
    if (!gl_FrontFacing) {                                // a bridge from below
        pixel = shown(mix(air_light(-view), vec3(0.2, 0.195, 0.185) * ambient.rgb * 0.45, clearness(distance_m, position.z)), 1.0);
        return;
    }
    vec3 n = normalize(normal);
#ifdef WET
    float wet = max(sun_color.w, clock.z * 0.6) * wet_share;
#else
    const float wet = 0.0;
#endif
    vec3 color = shade(albedo * (1.0 - 0.42 * wet), n, light.r);
    color += albedo * light.g * sun.w * vec3(2.6, 1.9, 1.15);
#ifdef WET
    if (wet > 0.02) {                                     // a film of water, and puddles that fill from the lowest places
        float glance = pow(1.0 - clamp(view.z, 0.0, 1.0), 4.0);
        float depth = texture(noise, position.xy * 0.027).r * 0.7 + coarse * 0.3;
        float puddle = wet_share > 0.4 ? smoothstep(0.98 - 0.62 * clock.z, 1.03 - 0.62 * clock.z, depth + 0.12 + 0.04 * fine) : 0.0;
        vec2 wave = vec2(0.0);
        if (clock.y > 0.02 && distance_m < 25.0) {        // rings of rain drops
            vec2 spot = floor(position.xy * 3.0);
            float dice = fract(sin(dot(spot, vec2(12.99, 78.23))) * 43758.5);
            float age = fract(clock.x * 1.7 + dice);
            vec2 off = fract(position.xy * 3.0) - 0.5;
            float ring = abs(length(off) - 0.5 * age);
            wave = off * (smoothstep(0.10, 0.0, ring) * (1.0 - age) * step(dice, clock.y) * 2.0);
        }
        vec3 up = normalize(vec3(wave * (0.15 + 0.5 * puddle) + (fine - 0.5) * 0.10 * (1.0 - puddle), 1.0));
        vec3 bounce = reflect(-view, up);
        float low = clamp(1.0 - bounce.z * 2.2, 0.0, 1.0);
        vec3 mirrored = mix(mix(fog.rgb, zenith.rgb, clamp(bounce.z * 1.3, 0.0, 1.0)), fog.rgb * 0.55, low * 0.6 * (1.0 - sun.w));
        float share = wet * mix(0.10 + 0.40 * glance, 0.16 + 0.84 * glance, puddle);
        color = mix(color * (1.0 - 0.35 * puddle * wet), mirrored, clamp(share, 0.0, 1.0));
        color += sun_color.rgb * light.r * wet * (0.25 + puddle) * pow(max(dot(bounce, sun.xyz), 0.0), 120.0);
        color += light.g * sun.w * wet * glance * vec3(1.1, 0.8, 0.5) * 0.4;
    }
#endif
    pixel = shown(mix(air_light(-view), color, clearness(distance_m, position.z)), 1.0);
}
