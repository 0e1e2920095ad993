"""What a killed training leaves, and how the next run finds it and resumes."""
