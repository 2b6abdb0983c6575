"""A session log told in other forms: timeline, sequence diagram, HAR, commands for curl."""

from dpop_lab.lab.story.curl import as_curl as as_curl
from dpop_lab.lab.story.story import Story as Story
