// Shared by all programs. World: CARLA's left-handed frame, metres. Colours: linear light until `shown`.
layout(std140) uniform Camera {
    mat4 world_to_clip;
    vec4 eye;             // xyz position, w metres per pixel at one metre
    vec4 bake_window;     // xy corner of the baked light, z 1 / its size, w 1 when there is one
};
layout(std140) uniform Light {
    vec4 sun;             // xyz unit vector to the sun, w night 0..1
    vec4 sun_color;       // rgb, w wetness 0..1
    vec4 ambient;         // rgb from above, w light from below relative to above
    vec4 fog;             // rgb, w extinction per metre
    vec4 zenith;          // rgb of the sky overhead, w cloud cover 0..1
};

vec3 shade(vec3 albedo, vec3 normal, float sunlight) {
    float up = 0.5 + 0.5 * normal.z;
    return albedo * (ambient.rgb * mix(ambient.w, 1.0, up) + sun_color.rgb * (sunlight * max(dot(normal, sun.xyz), 0.0)));
}

float clearness(float distance_m, float height_m) {
    return exp(-distance_m * fog.w);
}

// Blue first: images leave as BGRA.
vec4 shown(vec3 linear_color, float alpha) {
    vec3 c = linear_color / (1.0 + 0.22 * linear_color);
    return vec4(sqrt(clamp(c, 0.0, 1.0)).bgr, alpha);
}
