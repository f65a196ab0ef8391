"""Changes of views, which hold no data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

from fqtool.table.change import NO_REVERSE, ViewChange
from fqtool.table.model import Inapplicable, State, View

if TYPE_CHECKING:
    from fqtool.table.changes import Change


@final
@dataclass(frozen=True, slots=True)
class PutView(ViewChange):
    """A view is created, or its text is replaced."""

    view: View
    verb = "put"
    happened = "the text of view {0.view.name} was changed"
    reason = "the view {0.view.name} is new, or its text differs from the registry"
    noun = "view"

    @property
    def object_name(self) -> str:
        return self.view.name

    def apply(self, state: State) -> State:
        if state.view(self.view.key) is None:
            return replace(state, views=(*state.views, self.view))
        return replace(state, views=tuple(self.view if old.key == self.view.key else old for old in state.views))

    def holds(self, state: State) -> bool:
        there = state.view(self.view.key)
        return there is not None and there.equals(self.view) and not there.missing_columns(state.table)

    def reverse(self, before: State) -> Change:
        old = before.view(self.view.key)
        return PutView(old) if old else DropView(self.view.name)


@final
@dataclass(frozen=True, slots=True)
class DropView(ViewChange):
    """A view is dropped; no data is lost."""

    name: str
    happened = "view {0.name} was dropped"
    noun = "dropped view"

    @property
    def object_name(self) -> str:
        return self.name

    def apply(self, state: State) -> State:
        if state.view(self.name) is None:
            raise Inapplicable(f"the view {self.name} does not exist")
        return replace(state, views=tuple(view for view in state.views if view.key != self.name))

    def reverse(self, before: State) -> PutView | str:
        old = before.view(self.name)
        return PutView(old) if old else NO_REVERSE

    def holds(self, state: State) -> bool:
        return state.view(self.name) is None
