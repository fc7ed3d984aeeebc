in vec3 position;
in vec4 color;
in float across;
in float half_width;
out vec4 pixel;
uniform sampler2D noise;
uniform sampler2D baked;
void main() {
    vec3 view = eye.xyz - position;
    float distance_m = length(view);
    view /= distance_m;
    float footprint = max(fwidth(across), 1e-4);
    float cover = clamp((half_width - abs(across)) / footprint + 0.5, 0.0, 1.0) * min(1.0, 2.0 * half_width / footprint);
    float worn = texture(noise, position.xy * 0.43).r;
    vec4 light = vec4(1.0, 0.0, 0.0, 0.0);
    vec2 uv = (position.xy - bake_window.xy) * bake_window.z;
    if (bake_window.w > 0.5 && uv.x > 0.0 && uv.x < 1.0 && uv.y > 0.0 && uv.y < 1.0) light = texture(baked, uv);
    vec3 albedo = color.rgb * color.rgb * 0.75;
    vec3 lit = shade(albedo, vec3(0.0, 0.0, 1.0), light.r) + albedo * light.g * sun.w * vec3(2.6, 1.9, 1.15);
    float wet = sun_color.w;
    lit = mix(lit * (1.0 - 0.2 * wet), fog.rgb, wet * 0.6 * pow(1.0 - clamp(view.z, 0.0, 1.0), 4.0));
    pixel = shown(mix(air_light(-view), lit, clearness(distance_m, position.z)), cover * (0.72 + 0.28 * worn));
    pixel.rgb *= pixel.a;
}
