"""What a learner meets first: the start page, and with one click the first accepted call."""

import sys
import time

from lesson import expect

START = "00_start"


def test_the_printed_url_opens_the_start_page_and_nothing_else(lesson):
    start = lesson(START)
    assert start.tabs == [f"{START}.ipynb"]
    expect(start.tab.locator("h1")).to_be_visible()
    expect(start.page.locator(".jp-Dialog")).to_have_count(0)
    expect(start.page.locator(".Toastify__toast")).to_have_count(0)


def test_run_all_makes_an_accepted_call_in_the_first_three_code_cells(lesson, capsys):
    start = lesson(START)
    for item in ("Run", "Run All Cells"):
        start.page.get_by_role("menuitem", name=item, exact=True).click()
    third = start.tab.locator(".jp-CodeCell").nth(2).locator(".jp-OutputArea-output")
    expect(third).to_have_text("<Response [200]>")
    seconds = time.perf_counter() - start.began
    with capsys.disabled():  # to stderr: a worker of xdist has no other terminal
        print(f"\nstart page to first accepted call: {seconds:.1f} s", file=sys.stderr)
