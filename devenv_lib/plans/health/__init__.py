"""What a look at the machine means: facts in, findings out. A module for each subject.

``specs/doctor.md`` has the table of all findings.
"""
