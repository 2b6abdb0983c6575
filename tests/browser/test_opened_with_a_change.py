"""The notebook that `dpop-lab lessons --bench CHANGE` opens, as the pages of `docs/` tell it."""

from lesson import PANEL, expect

from dpop_lab import SIGN_IN_CHANGES
from dpop_lab.lab.lessons import bench, put

CHANGE = SIGN_IN_CHANGES["stolen_bound_code"]  # a change is found as it is, without another room


def test_a_notebook_of_one_cell_is_the_bench_with_its_change_chosen(lesson, work):
    lesson("00_start")  # the folder is there
    name, text = bench(CHANGE.name)
    put(work, name, text)
    ran = lesson(name.removesuffix(".ipynb")).run()
    panel = ran.page.locator(PANEL)
    chosen = panel.get_by_role("listbox", name="Change").locator("option:checked")
    expect(chosen).to_have_text(f"stolen bound code: {CHANGE.title}")
    expect(panel.get_by_label("Target")).to_be_hidden()
    panel.get_by_role("button", name="Send", exact=True).click()
    expect(panel.locator(".dpop-lab-verdict")).to_contain_text("by the row code_key")
    ran.keep_picture("bench-chosen", PANEL)
