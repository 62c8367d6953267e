"""Models whose numbers are known by other means, to check genprobe on the user's own machine.

``genprobe validate`` runs the cases of ``cases``; the validation pages run these and many more.
"""
