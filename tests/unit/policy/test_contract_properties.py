"""What holds of the contract for any input: inverses, symmetries, and the least squares that the encoder stands for."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform, rig_to_world, rotation_matrix
from alpamayo_sim.policy import action_encoder
from alpamayo_sim.policy.action_encoder import encode, encode_published
from alpamayo_sim.policy.action_statistics import ActionStatistics
from alpamayo_sim.policy.camera_rig import CameraRig, RigCamera
from alpamayo_sim.policy.ego_history import ego_history, poses_in_rig, rig_pose
from alpamayo_sim.policy.meta_actions import lateral_action, longitudinal_action
from alpamayo_sim.policy.patches import PATCH_PX, image_patches
from alpamayo_sim.policy.rig_formats import leaderboard_sensors, plain_rig, rig_from_plain, rig_from_sensors
from alpamayo_sim.policy.sample_buffer import TIME_TOLERANCE_S, SampleBuffer
from alpamayo_sim.policy.trajectory_tokens import history_bins, history_positions
from alpamayo_sim.policy.unicycle import STEP_S, drive, speed_now

FLIP = np.diag([1.0, -1.0, 1.0])
metres = st.floats(-300.0, 300.0)
degrees = st.floats(-180.0, 180.0)
poses = st.builds(
    Transform, metres, metres, st.floats(-20.0, 20.0), st.floats(-30.0, 30.0), degrees, st.floats(-30.0, 30.0)
)


@given(poses, st.lists(poses, min_size=1, max_size=16), st.floats(-2.5, 0.0))
def test_poses_of_the_past_lead_back_to_the_world(here: Transform, past: list[Transform], axle_x_m: float) -> None:
    rigs = [rig_pose(pose, axle_x_m) for pose in past]
    positions, rotations = poses_in_rig(here, rigs)
    assert np.allclose(rig_to_world(here, positions), [pose[:3] for pose in rigs], atol=1e-6)
    world = rotation_matrix(*here[3:]) @ FLIP @ rotations @ FLIP
    assert np.allclose(world, [rotation_matrix(*pose[3:]) for pose in rigs], atol=1e-9)


@given(st.lists(poses, min_size=16, max_size=16), metres, metres, degrees, st.floats(-2.5, 0.0))
def test_past_motion_is_the_same_wherever_the_map_puts_it(
    past: list[Transform], east_m: float, south_m: float, turn_deg: float, axle_x_m: float
) -> None:
    turn = math.radians(turn_deg)
    moved = [
        pose._replace(
            x=east_m + pose.x * math.cos(turn) - pose.y * math.sin(turn),
            y=south_m + pose.x * math.sin(turn) + pose.y * math.cos(turn),
            yaw=pose.yaw + turn_deg,
        )
        for pose in past
    ]
    for found, wanted in zip(ego_history(moved, axle_x_m), ego_history(past, axle_x_m), strict=True):
        assert np.allclose(found, wanted, atol=1e-6)


@given(arrays(np.float64, (16, 3), elements=st.floats(-3.9, 3.9)))
def test_every_step_of_the_past_comes_back_within_half_a_bin(steps: np.ndarray) -> None:
    back = np.diff(history_positions(history_bins(np.cumsum(steps, axis=0))), axis=0, prepend=np.zeros((1, 3)))
    assert (np.abs(back - steps) <= np.array([4.0, 4.0, 10.0]) / 999 + 1e-9).all()


smooth = st.tuples(
    st.floats(5.0, 25.0), st.floats(-0.4, 1.5), st.floats(0.0, 1.0), st.floats(-0.03, 0.03), st.floats(0.1, 0.8)
)


@given(smooth)
def test_actions_of_smooth_driving_come_back(motion: tuple[float, float, float, float, float]) -> None:
    speed, mean, swing, bend, rate = motion
    time = STEP_S * np.arange(64)
    acceleration, curvature = mean + swing * np.sin(rate * time), bend * np.cos(rate * time)
    points = drive(acceleration, curvature, speed)
    found_acceleration, found_curvature = encode(points, points[:, 2], speed)
    assert np.abs(found_acceleration - acceleration).max() < 0.1
    assert np.abs(found_curvature - curvature).max() < 0.01


@given(smooth)
def test_turning_left_is_turning_right_in_a_mirror(motion: tuple[float, float, float, float, float]) -> None:
    speed, mean, swing, bend, rate = motion
    time = STEP_S * np.arange(64)
    points = drive(mean + swing * np.sin(rate * time), bend * np.cos(rate * time), speed)
    mirrored = points * np.array([1.0, -1.0, -1.0])
    acceleration, curvature = encode_published(points, points[:, 2], speed)
    other_acceleration, other_curvature = encode_published(mirrored, mirrored[:, 2], speed)
    assert np.allclose(other_acceleration, acceleration, atol=1e-9)
    assert np.allclose(other_curvature, -curvature, atol=1e-9)
    seen = np.full(64, speed)
    sides = {"left": "right", "right": "left"}
    name, other = (lateral_action(seen, heading) for heading in (points[:, 2], mirrored[:, 2]))
    assert other == "_".join(sides.get(word, word) for word in name.split("_"))
    assert longitudinal_action(seen) == "maintain_speed"


def _least_squares(rows: list[tuple[np.ndarray, np.ndarray, float]]) -> np.ndarray:
    """The x that makes the sum of weight |A x - b|^2 smallest, by QR of the stacked system: no normal equations."""
    stacked = np.concatenate([math.sqrt(weight) * matrix for matrix, _, weight in rows])
    wanted = np.concatenate([math.sqrt(weight) * vector for _, vector, weight in rows])
    return np.linalg.lstsq(stacked, wanted, rcond=None)[0]


def _differences(count: int, order: int) -> np.ndarray:
    return np.diff(np.eye(count), n=order, axis=0)


@given(smooth, st.integers(0, 2**31))
def test_the_published_encoder_solves_its_least_squares(
    motion: tuple[float, float, float, float, float], seed: int
) -> None:
    """Headings, speeds, accelerations, curvatures in turn: data, smoothness of order 3, 3, 2, 2, and a ridge (alpamayo 1.3)."""
    speed, mean, swing, bend, rate = motion
    time = STEP_S * np.arange(64)
    points = drive(mean + swing * np.sin(rate * time), bend * np.cos(rate * time), speed)
    points += np.random.default_rng(seed).normal(0.0, [0.02, 0.02, 0.002], points.shape)
    count = len(points)
    eye = np.eye(count)

    third = _differences(count + 1, 3)
    headings = _least_squares(
        [(eye, points[:, 2], 1.0), (third[:, 1:], np.zeros(len(third)), 1e-6 / STEP_S**6), (eye, np.zeros(count), 1e-8)]
    )
    theta = np.concatenate([[0.0], headings])
    system, wanted = np.zeros((2 * count, count)), np.zeros(2 * count)
    before = np.concatenate([np.zeros((1, 2)), points[:, :2]])
    for step in range(count):
        for axis, wave in enumerate((np.cos, np.sin)):
            row = 2 * step + axis
            wanted[row] = 2.0 / STEP_S * (before[step + 1, axis] - before[step, axis])
            system[row, step] = wave(theta[step + 1])
            if step:
                system[row, step - 1] = wave(theta[step])
            else:
                wanted[row] -= speed * wave(theta[0])
    speeds = _least_squares(
        [(system, wanted, 1.0), (third[:, 1:], -third[:, 0] * speed, 1e-6 / STEP_S**6), (eye, np.zeros(count), 1e-4)]
    )
    second = _differences(count, 2)
    rough = (second, np.zeros(count - 2), 1e-4 / STEP_S**4)
    ridge = (eye, np.zeros(count), 1e-4)
    all_speeds = np.concatenate([[speed], speeds])
    acceleration = _least_squares([(eye, np.diff(all_speeds) / STEP_S, 1.0), rough, ridge])
    way = STEP_S * all_speeds[:-1] + 0.5 * STEP_S**2 * acceleration
    curvature = _least_squares([(np.diag(way), np.diff(theta), 1.0), rough, ridge])

    found = encode_published(points, points[:, 2], speed)
    assert np.allclose(found[0], acceleration, atol=1e-6)
    assert np.allclose(found[1], curvature, atol=1e-7)
    assert (action_encoder.SPEED_RIDGE, action_encoder.HEADING_RIDGE) == (1e-4, 1e-8)


@given(st.floats(0.5, 30.0), st.floats(-0.04, 0.04), degrees)
def test_the_speed_now_does_not_depend_on_where_the_car_points(speed: float, bend: float, yaw_deg: float) -> None:
    """A car in CARLA's world on a circle; its speed is that of its rear axle."""
    steps = speed * STEP_S * np.arange(-15, 1)
    turned = math.radians(yaw_deg) - bend * steps
    ways = np.diff(steps, prepend=steps[0])
    middle = turned + 0.5 * bend * ways
    places = np.cumsum(np.stack([ways * np.cos(middle), ways * np.sin(middle)], axis=-1), axis=0)
    axle_poses = [
        Transform(float(x), float(y), 0.0, yaw=math.degrees(w)) for (x, y), w in zip(places, turned, strict=True)
    ]
    vehicles = [rig_pose(pose, 1.4) for pose in axle_poses]
    assert abs(speed_now(*ego_history(vehicles, -1.4)) - speed) < 0.01 * speed


@given(
    st.floats(-2.0, 2.0), st.floats(0.1, 5.0), st.floats(-0.1, 0.1), st.floats(0.001, 0.5),
    arrays(np.float64, (3, 64, 2), elements=st.floats(-30.0, 30.0)),
)  # fmt: skip
def test_normalised_actions_come_back(
    accel_mean: float, accel_std: float, curvature_mean: float, curvature_std: float, actions: np.ndarray
) -> None:
    statistics = ActionStatistics(accel_mean, accel_std, curvature_mean, curvature_std)
    assert np.allclose(statistics.normalise(*statistics.denormalise(actions)), actions, atol=1e-9)


cameras = st.builds(
    RigCamera,
    st.text("abcxyz_", min_size=1, max_size=6),
    st.tuples(st.floats(-4.0, 4.0), st.floats(-1.5, 1.5), st.floats(0.2, 3.0)),
    st.floats(-math.pi, math.pi),
    st.floats(20.0, 150.0),
)
rigs = st.builds(
    CameraRig,
    st.just("any"),
    st.lists(cameras, min_size=1, max_size=7, unique_by=lambda camera: camera.name).map(tuple),
    st.integers(16, 1920),
    st.integers(16, 1080),
)


@given(rigs, st.floats(-2.5, 0.0))
def test_any_rig_comes_back_from_sensors_and_from_plain_data(rig: CameraRig, axle_x_m: float) -> None:
    for back in (rig_from_sensors("any", leaderboard_sensors(rig, axle_x_m), axle_x_m), rig_from_plain(plain_rig(rig))):
        assert (back.names, back.width_px, back.height_px) == (rig.names, rig.width_px, rig.height_px)
        for found, wanted in zip(back.cameras, rig.cameras, strict=True):
            assert np.allclose(found.position_rig_m, wanted.position_rig_m, atol=1e-6)
            assert abs(found.yaw_rad - wanted.yaw_rad) < 1e-7 and found.fov_deg == wanted.fov_deg


@given(cameras, st.floats(0.5, 50.0), st.floats(-0.4, 0.4), st.floats(-0.4, 0.4))
def test_a_pixel_leads_back_to_its_point(camera: RigCamera, depth_m: float, right: float, down: float) -> None:
    """A point chosen by its pixel and depth, in the rig by the camera's place and yaw, lands on that pixel again."""
    rig = CameraRig("one", (camera,), 320, 192)
    focal = camera.focal_px(320)
    pixel = np.array([160.0 + 320.0 * right, 96.0 + 192.0 * down])
    local = depth_m * np.array([(pixel[0] - 160.0) / focal, (pixel[1] - 96.0) / focal, 1.0])
    turned, sloped = math.cos(camera.yaw_rad), math.sin(camera.yaw_rad)
    forward, left = local[2], -local[0]
    offset = np.array([forward * turned - left * sloped, forward * sloped + left * turned, -local[1]])
    found, inside = rig.project(camera, np.array(camera.position_rig_m) + offset)
    assert np.allclose(found, pixel, atol=1e-6) and bool(inside)


@given(st.lists(st.floats(0.01, 0.2), min_size=5, max_size=60), st.integers(1, 4))
def test_a_buffer_gives_samples_of_the_wanted_times_or_none(steps: list[float], count: int) -> None:
    buffer = SampleBuffer[int]("camera", 1.0)
    times = np.cumsum(steps)
    for number, time in enumerate(times):
        buffer.add(float(time), number)
    now = float(times[-1])
    wanted = now - STEP_S * np.arange(count - 1, -1, -1)
    there = [np.abs(times - time).min() <= TIME_TOLERANCE_S for time in wanted]
    try:
        given_times, given_samples = buffer.latest(count, now)
    except InputError:
        assert not all(there)
        return
    assert all(there)
    assert np.abs(np.array(given_times) - wanted).max() <= TIME_TOLERANCE_S
    assert [float(times[number]) for number in given_samples] == given_times


@given(st.integers(1, 3), st.integers(1, 3), st.sampled_from([1, 2]), st.integers(0, 2**31))
def test_pictures_come_back_from_their_patches(rows: int, columns: int, per_image: int, seed: int) -> None:
    height, width = 32 * rows, 32 * columns
    frames = np.random.default_rng(seed).integers(0, 256, (2, 4, height, width, 3), dtype=np.uint8)
    patches = image_patches(frames, per_image)
    values = np.rint((patches * 0.5 + 0.5) * 255.0).astype(np.uint8)
    blocks = values.reshape(-1, rows, columns, 2, 2, 3, 2, PATCH_PX, PATCH_PX)
    # image, frame, block row, merge row, y, block column, merge column, x, colour
    images = blocks.transpose(0, 6, 1, 3, 7, 2, 4, 8, 5).reshape(-1, 2, height, width, 3)
    back = images.reshape(2, 4, height, width, 3) if per_image == 2 else images[:, 0].reshape(2, 4, height, width, 3)
    assert np.array_equal(back, frames)
