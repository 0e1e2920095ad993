"""What Transform takes, and where its time goes.

    python -m benchmarks.transform --data "$PETSEG_DATA" --pairs 3680

Makes raw examples of that many pairs of the training list, then runs Transform's executor on them twice, each
time in a process of its own: at the model's resolution alone, and at two sizes (`transform.training_scale`).
Prints wall seconds, pairs a second, and the seconds spent in each part, measured by a profiler in a second
run, which itself slows the parts of many small calls. Takes two minutes on 2 free cores.
"""
