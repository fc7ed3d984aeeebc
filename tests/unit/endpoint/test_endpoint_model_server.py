"""The client against a real model server that somebody has started: ALPAMAYO_ENDPOINT_URL, ALPAMAYO_ENDPOINT_MODEL.

Whatever the model is worth, each question ends in an answer of the form or in a failure of the model, never of infrastructure.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel

from alpamayo_training.coc.critic_endpoint import make_critic
from alpamayo_training.coc.critic_prompt import Evidence
from alpamayo_training.endpoint.cache import AnswerCache
from alpamayo_training.endpoint.client import EndpointClient, Question
from alpamayo_training.endpoint.outcome import Failure
from alpamayo_training.endpoint.pictures import picture_part, text_part
from alpamayo_training.endpoint.settings import EndpointSettings

URL, MODEL = os.environ.get("ALPAMAYO_ENDPOINT_URL", ""), os.environ.get("ALPAMAYO_ENDPOINT_MODEL", "")
SEES_PICTURES = bool(os.environ.get("ALPAMAYO_ENDPOINT_SEES"))
pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(
        not (URL and MODEL), reason="needs a model server: ALPAMAYO_ENDPOINT_URL, ALPAMAYO_ENDPOINT_MODEL"
    ),
]


class Colour(BaseModel):
    colour: str


def test_a_model_server_answers_or_fails_as_itself(tmp_path: Path) -> None:
    parts = [text_part('Name the colour as JSON: {"colour": "..."}')]
    if SEES_PICTURES:
        parts.append(picture_part(np.full((64, 64, 3), (255, 0, 0), np.uint8), 64))
    question = Question([{"role": "user", "content": parts}], Colour, "1")
    settings = EndpointSettings(URL, MODEL, max_tokens=64, timeout_s=300.0)
    asking = EndpointClient(settings, AnswerCache(tmp_path))
    outcome = asking.ask(question)
    assert not (isinstance(outcome, Failure) and outcome.is_infrastructure), outcome
    usage = asking.usage()
    assert usage.requests in (1, 2)
    assert usage.prompt_tokens > 0
    assert usage.completion_tokens > 0
    again = EndpointClient(settings, AnswerCache(tmp_path))
    assert again.ask(question) == outcome
    assert again.usage().requests == 0


def test_a_model_server_grades_or_fails_as_itself() -> None:
    critic = make_critic(base_url=URL, model=MODEL, max_tokens=96, sees="state")
    evidence = Evidence(
        "Stop because the traffic light is red.", "", "stops within 3 s", "- traffic_light red 12 m ahead"
    )
    ((_, outcome),) = critic.grades([("one", evidence)])
    assert not (isinstance(outcome, Failure) and outcome.is_infrastructure), outcome
