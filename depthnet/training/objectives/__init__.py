"""What training minimises: losses, and distillation from a teacher."""
