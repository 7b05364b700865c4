"""The way of the data, from captures to a report: the only part that knows all the stages.

``reading`` goes as far as labelled flows, ``judging`` on to the report; each imports what its part of the way needs, so that
no command waits for a stage that it does not use.
"""
