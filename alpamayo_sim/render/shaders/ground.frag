in vec3 position;
in vec3 normal;
flat in int surface;
out vec4 pixel;
uniform sampler2D noise;
uniform sampler2D baked;  // r sunlight, g lamp light
void main() {
    float distance_m = distance(eye.xyz, position);
    float coarse = texture(noise, position.xy * 0.013).r;
    float fine = texture(noise, position.xy * 0.31).r;
    vec3 albedo;
    float wet_share = 0.0;
    if (surface == 0) {                                   // asphalt
        albedo = vec3(0.072, 0.072, 0.075) * (0.62 + 0.55 * fine + 0.35 * coarse);
        wet_share = 1.0;
    } else if (surface == 5) {                            // grass
        albedo = mix(vec3(0.055, 0.105, 0.028), vec3(0.115, 0.145, 0.045), coarse) * (0.55 + 0.9 * fine);
    } else if (surface == 1) {                            // shoulder
        albedo = vec3(0.098, 0.096, 0.094) * (0.65 + 0.5 * fine + 0.3 * coarse);
        wet_share = 0.8;
    } else if (surface == 2) {                            // pavement slabs
        vec2 slab = abs(fract(position.xy * 0.55) - 0.5);
        float joint = smoothstep(0.46, 0.5, max(slab.x, slab.y)) * clamp(1.2 - distance_m * 0.045, 0.0, 1.0);
        albedo = vec3(0.30, 0.285, 0.265) * (0.74 + 0.4 * fine) * (1.0 - 0.4 * joint);
        wet_share = 0.5;
    } else if (surface == 3) {
        albedo = vec3(0.36, 0.355, 0.34) * (0.8 + 0.3 * fine);
    } else if (surface == 7) {
        albedo = vec3(0.16, 0.06, 0.05) * (0.7 + 0.5 * fine);
    } else {
        albedo = vec3(0.25, 0.245, 0.23) * (0.7 + 0.5 * fine);
    }
    vec4 light = vec4(1.0, 0.0, 0.0, 0.0);
    vec2 uv = (position.xy - bake_window.xy) * bake_window.z;
    if (bake_window.w > 0.5 && uv.x > 0.0 && uv.x < 1.0 && uv.y > 0.0 && uv.y < 1.0) light = texture(baked, uv);
    if (!gl_FrontFacing) {                                // a bridge from below
        pixel = shown(mix(fog.rgb, vec3(0.2, 0.195, 0.185) * ambient.rgb * 0.45, clearness(distance_m, position.z)), 1.0);
        return;
    }
    vec3 color = shade(albedo * (1.0 - 0.35 * sun_color.w * wet_share), normalize(normal), light.r);
    color += albedo * light.g * sun.w * vec3(2.6, 1.9, 1.15);
    if (sun_color.w > 0.02 && wet_share > 0.0) {          // a thin film of water mirrors the sky
        vec3 view = (eye.xyz - position) / distance_m;
        float glance = pow(1.0 - clamp(view.z, 0.0, 1.0), 4.0);
        float puddle = smoothstep(0.52, 0.72, coarse * 0.8 + fine * 0.12 + 0.3 * sun_color.w);
        color = mix(color, fog.rgb * 0.9, sun_color.w * wet_share * (0.25 + 0.5 * puddle) * (0.06 + 0.94 * glance));
    }
    pixel = shown(mix(fog.rgb, color, clearness(distance_m, position.z)), 1.0);
}
