"""CARLA's Ackermann controller: two incremental PIDs that turn target speed, acceleration and angle into pedals and steer."""

from __future__ import annotations

from dataclasses import dataclass, field

STANDSTILL_MPS = 0.1
MAX_ACCELERATION_MPS2, MAX_DECELERATION_MPS2, MIN_ACCELERATION_MPS2 = 3.0, 8.0, 1.0


@dataclass(frozen=True, slots=True)
class AckermannSettings:
    """Gains, fields in the order of CARLA's `AckermannControllerSettings`."""

    speed_kp: float = 0.15
    speed_ki: float = 0.0
    speed_kd: float = 0.25
    accel_kp: float = 0.01
    accel_ki: float = 0.0
    accel_kd: float = 0.01


@dataclass(frozen=True, slots=True)
class AckermannTarget:
    """A command: steer rad, steer speed rad/s (0: at once), speed m/s, acceleration m/s^2, jerk m/s^3 (0: no limit)."""

    steer_rad: float = 0.0
    steer_speed_radps: float = 0.0
    speed_mps: float = 0.0
    acceleration_mps2: float = 0.0
    jerk_mps3: float = 0.0


@dataclass(slots=True)
class _Pid:
    last_error: float = 0.0
    integral: float = 0.0

    def run(self, error: float, gains: tuple[float, float, float], dt_s: float) -> float:
        self.integral += error * dt_s
        slope = (error - self.last_error) / dt_s
        self.last_error = error
        return gains[0] * error + gains[1] * self.integral + gains[2] * slope


@dataclass(slots=True)
class AckermannController:
    """The controller of one vehicle."""

    settings: AckermannSettings = field(default_factory=AckermannSettings)
    target: AckermannTarget | None = None
    """None while the vehicle obeys plain controls."""
    steer_rad: float = 0.0
    acceleration_mps2: float = 0.0
    pedal: float = 0.0
    measured_mps2: float = 0.0
    last_speed_mps: float = 0.0
    speed_pid: _Pid = field(default_factory=_Pid)
    accel_pid: _Pid = field(default_factory=_Pid)

    def run(self, speed_mps: float, max_steer_rad: float, dt_s: float) -> tuple[float, float, float, bool]:
        """Return throttle, steer, brake, reverse for the coming step of `dt_s` seconds at forward speed `speed_mps`."""
        target = self.target or AckermannTarget()
        self.measured_mps2 = (4.0 * self.measured_mps2 + (speed_mps - self.last_speed_mps) / dt_s) / 5.0
        self.last_speed_mps = speed_mps
        wanted = min(max(target.steer_rad, -max_steer_rad), max_steer_rad)
        if target.steer_speed_radps > 0.0:
            reach = target.steer_speed_radps * dt_s
            wanted = min(max(wanted, self.steer_rad - reach), self.steer_rad + reach)
        self.steer_rad = wanted
        steer = wanted / max_steer_rad if max_steer_rad > 0.0 else 0.0
        if abs(speed_mps) < STANDSTILL_MPS and abs(target.speed_mps) < STANDSTILL_MPS:
            self.acceleration_mps2 = self.pedal = 0.0
            return 0.0, steer, 1.0, False
        backwards = target.speed_mps < 0.0 if abs(speed_mps) < STANDSTILL_MPS else speed_mps < 0.0
        turning_back = speed_mps * target.speed_mps < 0.0 and abs(speed_mps) >= STANDSTILL_MPS
        goal_mps = 0.0 if turning_back else abs(target.speed_mps)
        s = self.settings
        gains = (s.speed_kp, s.speed_ki, s.speed_kd)
        change = self.speed_pid.run(goal_mps - abs(speed_mps), gains, dt_s)
        if target.jerk_mps3 > 0.0:
            change = min(max(change, -target.jerk_mps3 * dt_s), target.jerk_mps3 * dt_s)
        limit = abs(target.acceleration_mps2)
        up, down = (max(limit, MIN_ACCELERATION_MPS2),) * 2 if limit else (MAX_ACCELERATION_MPS2, MAX_DECELERATION_MPS2)
        self.acceleration_mps2 = min(max(self.acceleration_mps2 + change, -down), up)
        measured = -self.measured_mps2 if backwards else self.measured_mps2
        gains = (s.accel_kp, s.accel_ki, s.accel_kd)
        self.pedal += self.accel_pid.run(self.acceleration_mps2 - measured, gains, dt_s)
        self.pedal = min(max(self.pedal, -1.0), 1.0)
        return max(self.pedal, 0.0), steer, max(-self.pedal, 0.0), backwards
