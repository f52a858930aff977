"""Saving runs beside the making of the next picture, in order and within bounds."""

import threading

import pytest
from diorama.assets.staged import StagedOutput
from diorama.workers.saver import Saver


@pytest.mark.parametrize("backend", ["scripted", "threaded"])
def test_a_picture_is_encoded_while_the_next_one_is_drawn(shared, backend):
    result, sink = shared.run("overlap", backend)
    assert result.facts["at_return"] is False, "save() waited for the encoding"
    assert result.facts["while_drawing"] is True, "nothing was encoded before the call ended"
    assert [output.index for output in sink.outputs] == [0, 1]


def output(index, tmp_path):
    return StagedOutput(index=index, kind="image", path=tmp_path / str(index), mime="image/png")


def test_who_draws_faster_than_encoding_waits(tmp_path):
    release, handed, delivered = threading.Event(), [], []
    saver = Saver(delivered.append, lambda: False)

    def work(index):
        release.wait(30)
        return output(index, tmp_path)

    def draw():
        for index in range(10):
            saver.submit(lambda index=index: work(index))
            handed.append(index)

    drawing = threading.Thread(target=draw)
    drawing.start()
    drawing.join(0.3)
    assert drawing.is_alive()
    assert len(handed) <= 4  # one in work, two waiting, at most one more on its way
    release.set()
    drawing.join(30)
    saver.finish()
    saver.close()
    assert [item.index for item in delivered] == list(range(10))


def test_an_error_of_an_output_nobody_waited_for_is_raised_at_the_end():
    saver = Saver(lambda item: None, lambda: False)

    def work():
        raise ValueError("no picture")

    saver.submit(work)
    with pytest.raises(ValueError, match="no picture"):
        saver.finish()
    saver.close()


def test_nothing_is_delivered_after_a_cancel(tmp_path):
    cancelled, delivered = threading.Event(), []
    saver = Saver(delivered.append, cancelled.is_set)

    def work():
        cancelled.set()  # it comes while the picture is being encoded
        return output(0, tmp_path)

    saver.submit(work)
    saver.submit(lambda: output(1, tmp_path))
    saver.finish()
    saver.close()
    assert delivered == []
