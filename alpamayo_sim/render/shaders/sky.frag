in vec3 direction;
out vec4 pixel;
uniform sampler2D noise;
void main() {
    vec3 ray = normalize(direction);
    float height = max(ray.z, 0.0);
    vec3 color = mix(fog.rgb, zenith.rgb, sqrt(height));
    float toward_sun = max(dot(ray, sun.xyz), 0.0);
    float open = 1.0 - zenith.w;
    float close = toward_sun * toward_sun;
    close *= close;
    float closer = close * close * close;
    float haze = mix(closer, close, air.w);
    float closest = closer * closer; closest *= closest; closest *= closest; closest *= closest; closest *= closest;
    color += sun_color.rgb * (haze * (0.05 + 0.35 * air.w) + closest * 0.35) * (0.25 + 0.75 * open);
    if (zenith.w > 0.01 && ray.z > 0.0) {
        vec2 drift = vec2(0.0015, 0.0009) * clock.x * (0.1 + 3.0 * clock.w);
        vec2 plane = ray.xy / (ray.z + 0.14) * 0.045 + drift;
        float cloud = texture(noise, plane).r * 0.62 + texture(noise, plane * 3.1 + 0.37).r * 0.28 + texture(noise, plane * 9.0).r * 0.1;
        float cover = smoothstep(0.95 - 0.75 * zenith.w, 1.15 - 0.65 * zenith.w, cloud + 0.22) * smoothstep(0.0, 0.12, ray.z);
        vec3 lit = ambient.rgb * 1.15 + sun_color.rgb * (0.28 * (0.4 + 0.6 * cloud) + 0.5 * close * (1.0 - cover * zenith.w));
        color = mix(color, lit * (1.0 - 0.25 * clock.y), cover * 0.92);
    }
    color += sun_color.rgb * smoothstep(0.99990, 0.99997, toward_sun) * open * 3.0;
    if (sun.w > 0.3 && ray.z > 0.02) {
        vec3 cell = floor(ray * 190.0);
        float dice = fract(dot(cell, vec3(0.1031, 0.1137, 0.0973)));
        dice = fract(dice * (dice + 33.33) * 77.7);
        color += vec3(0.5) * step(0.9985, dice) * sun.w * open * smoothstep(0.02, 0.3, ray.z) * (1.0 - min(1.0, fog.w * 300.0));
    }
    float layer = min(120.0, 1.5 / max(air.y, 1e-3));       // how much fog lies along a ray that leaves the ground
    float clear = exp(-max(layer / (height + 0.03) - air.x, 0.0) * fog.w);
    pixel = shown(mix(air_light(ray), color, clear), 1.0);
}
